import { route } from '../route.ts';

export const metrics = route({
  method: 'get',
  path: '/metrics',
  scope: 'admin',
  tag: 'Server',
  summary: 'Readings for Prometheus: this process, and the whole house out of the workers’ reports',
  answer: 'text/plain',
  async handle({ response }, { meters }) {
    response.type(meters.contentType).send(await meters.read());
    return undefined;
  },
});
