import { parser } from '@prometheus-io/lezer-promql';

/** A selector of a query: `metric{label="value"}[range]`. */
interface Selector {
  readonly metric: string;
  readonly matchers: readonly { label: string; operator: string; value: string }[];
  /** The duration of a range selector, and the function that takes it. */
  readonly range: string | undefined;
  readonly call: string | undefined;
}

/** The parts of a query. */
export interface ParsedQuery {
  readonly selectors: readonly Selector[];
  /** Labels in `by`, `on` and the like. */
  readonly groupingLabels: readonly string[];
}

/** Parses PromQL without variables. @throws {Error} if it is not PromQL. */
export function parsePromql(query: string): ParsedQuery {
  const selectors: Selector[] = [];
  const groupingLabels: string[] = [];
  const textOf = ({ from, to }: { from: number; to: number }): string => query.slice(from, to);
  parser.parse(query).iterate({
    enter(ref) {
      const { node, name } = ref;
      if (node.type.isError) throw new Error(`expected PromQL; got ${query}, with an error at ${node.from}`);
      if (name === 'LabelName' && node.parent?.name === 'GroupingLabels') groupingLabels.push(textOf(node));
      if (name !== 'VectorSelector') return;
      const metric = node.getChild('Identifier');
      const matchers = node
        .getChild('LabelMatchers')
        ?.getChildren('UnquotedLabelMatcher')
        .map((matcher) => {
          const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((child) => {
            const found = matcher.getChild(child);
            return found === null ? '' : textOf(found);
          });
          return { label: label ?? '', operator: operator ?? '', value: (value ?? '').slice(1, -1) };
        });
      const matrix = node.parent?.name === 'MatrixSelector' ? node.parent : undefined;
      const duration = matrix?.lastChild;
      const call = matrix?.parent?.parent?.getChild('FunctionIdentifier');
      selectors.push({
        metric: metric === null ? '' : textOf(metric),
        matchers: matchers ?? [],
        range: duration === null || duration === undefined ? undefined : textOf(duration),
        call: call === null || call === undefined ? undefined : textOf(call),
      });
    },
  });
  return { selectors, groupingLabels };
}
