import { createApp } from 'vue';
import { config } from 'zod/mini';
import App from './app.vue';
import './styles/tokens.css';
import './styles/base.css';

// Zod would otherwise try `new Function`, which the page's content security policy forbids and the console reports.
config({ jitless: true });

createApp(App).mount('#app');
