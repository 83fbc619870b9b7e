// The same stand-in under the API's name.
await import('./worker.mjs');
