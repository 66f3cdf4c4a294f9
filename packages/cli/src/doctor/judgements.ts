export { judgeClocks } from './checks/node-clocks.ts';
export { judgeProduct } from './checks/product.ts';
export { parseInfo } from './parse-info.ts';
