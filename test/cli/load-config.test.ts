// Property: data and cache are where the person, else the custom of XDG, says; child processes are told the same absolute places.
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/load-config.ts';

it('falls back from the settings to XDG to the home folder', () => {
  expect(loadConfig({}, '/home/ada').config).toMatchObject({
    DATA_DIR: '/home/ada/.local/share/darkroom',
    CACHE_DIR: '/home/ada/.cache/darkroom',
    SCRATCH_DIR: '/home/ada/.local/share/darkroom/scratch',
  });
  expect(loadConfig({ XDG_DATA_HOME: '/d', XDG_CACHE_HOME: '/c' }, '/home/ada').config).toMatchObject({
    DATA_DIR: '/d/darkroom',
    CACHE_DIR: '/c/darkroom',
  });
});

it('makes relative places absolute, for itself and for its children', () => {
  const { config, environment, isSet } = loadConfig({ DATA_DIR: 'data', MODEL_MIRROR: 'mirror', OTHER: 'kept' });
  expect(config.DATA_DIR).toBe(`${process.cwd()}/data`);
  expect(environment).toMatchObject({
    DATA_DIR: config.DATA_DIR,
    MODEL_MIRROR: `${process.cwd()}/mirror`,
    OTHER: 'kept',
  });
  expect([isSet('DATA_DIR'), isSet('PORT')]).toEqual([true, false]);
});
