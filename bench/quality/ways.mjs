/** What is compared: the levels, and the strengths of denoising; one whose own network is not installed is left out. */
import { chooseModel } from '../../dist/contracts/recipe.js';
import { installed } from '../engine-stage.mjs';

const names = new Set(installed.map(({ entry }) => entry.name));

export const ways = [
  ...['fast', 'medium', 'high'].map((quality) => ({ title: `\`${quality}\``, quality, fields: {} })),
  ...[0, 1].map((denoise) => ({
    title: `\`fast\`, \`denoise\` ${denoise}`,
    quality: 'fast',
    fields: { denoise },
  })),
].flatMap((way) => {
  const { model, notice } = chooseModel(way.quality, names, way.fields.denoise !== undefined);
  const served = notice === undefined && (way.fields.denoise === undefined || model === 'realesr-general-x4v3');
  // Anything else would be another level under this one's name.
  if (!served) console.warn(`${way.title} is left out: ${notice ?? 'its network is not installed'}`);
  return served ? [{ ...way, model }] : [];
});
