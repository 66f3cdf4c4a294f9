import { importTests } from '../harness/import-tests.ts';

await importTests(import.meta.url);
