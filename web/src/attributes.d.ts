import 'vue';

declare module 'vue' {
  /** What every browser understands and Vue's own list of attributes leaves out. */
  interface InputHTMLAttributes {
    webkitdirectory?: boolean;
  }
}
