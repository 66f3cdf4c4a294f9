export { mixinFiles } from './mixin-files.ts';
