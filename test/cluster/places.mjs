/** Where the members of the cluster are: each has a loopback address of its own. */
export const ADDRESSES = {
  postgres: '127.0.1.1',
  temporal: '127.0.1.2',
  store: '127.0.1.3',
  apis: ['127.0.1.11', '127.0.1.12'],
  workers: ['127.0.1.21', '127.0.1.22', '127.0.1.23'],
  links: ['127.0.1.31', '127.0.1.32', '127.0.1.33'],
};
export const NAMESPACE = 'darkroom';
export const PORTS = { postgres: 15_432, temporal: 17_233, store: 17_070, api: 18_000, metrics: 19_464 };
