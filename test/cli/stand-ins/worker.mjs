// Stands in for a worker or an API: says that it is ready, notes in $EVENTS what happens to it, ends when it is alone.
import { appendFileSync } from 'node:fs';
import { connect } from 'node:net';

const name = process.argv[1].includes('api') ? 'api' : 'worker';
const note = (what) => appendFileSync(process.env.EVENTS, `${name} ${what}\n`);

note(`started ${process.pid} with PORT=${process.env.PORT}`);
function end(temporal) {
  note(`stopped while Temporal was ${temporal}`);
  process.exit(0);
}

process.on('SIGTERM', () => {
  if (process.env.STUBBORN) return;
  const [host, port] = process.env.TEMPORAL_ADDRESS.split(':');
  connect({ host, port: Number(port) })
    .once('connect', () => end('there'))
    .once('error', () => end('gone'));
});
process.on('SIGINT', () => note('heard Ctrl-C'));
process.on('disconnect', () => {
  note('found itself alone');
  process.exit(0);
});
setInterval(() => undefined, 1000);
if (process.env.BROKEN === name) {
  process.send({ type: 'failed', message: `The ${name} has no bread.` });
  process.exit(1);
}
process.send({ type: 'ready', device: 'cpu', ...(name === 'api' ? { url: 'http://127.0.0.1:1' } : {}) });
