import { modelsSchema, type ModelsAnswer } from '../../contracts/http-service.ts';
import { route } from '../route.ts';

export const models = route({
  method: 'get',
  path: '/api/v1/models',
  tag: 'Server',
  summary: 'Networks that the running workers have',
  answer: modelsSchema,
  async handle(_call, { vitals }): Promise<ModelsAnswer> {
    const { workers } = await vitals();
    const known = new Map<string, ModelsAnswer['models'][number]>();
    for (const worker of workers) {
      for (const model of worker.models) {
        const before = known.get(model.name);
        known.set(model.name, {
          ...model,
          resident: model.resident || (before?.resident ?? false),
          serves: [...new Set([...(before?.serves ?? []), ...model.serves])],
          devices: [...new Set([...(before?.devices ?? []), worker.device])],
        });
      }
    }
    return { models: [...known.values()], notices: [...new Set(workers.flatMap(({ notices }) => notices))] };
  },
});
