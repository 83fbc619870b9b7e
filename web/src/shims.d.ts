/** For tools that do not read `.vue` files; `npm run check` has one that does. */
declare module '*.vue' {
  import type { DefineComponent } from 'vue';
  const component: DefineComponent;
  export default component;
}
