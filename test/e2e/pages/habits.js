/** What pages written for the reference service do; a page of another origin loads this. */

window.fetchFromPage = async function ({ url, photo }) {
  const bytes = Uint8Array.from(atob(photo.base64), (character) => character.charCodeAt(0));
  const form = new FormData();
  form.append('file', new Blob([bytes], { type: 'application/x-photo' }), photo.name);
  form.append('quality_level', 'fast');
  const accepted = await fetch(`${url}/api/v1/enhance`, { method: 'POST', body: form });
  const { task_id } = await accepted.json();
  let status = '';
  while (!['completed', 'failed'].includes(status)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    ({ status } = await (await fetch(`${url}/api/v1/status/${task_id}`)).json());
  }
  const result = await fetch(`${url}/api/v1/download/${task_id}`);
  const { type } = await result.blob();
  const refused = await fetch(`${url}/api/v1/enhance?tile_size=1`, { method: 'POST', body: form });
  const { detail } = await refused.json();
  // A method that a page must ask for first.
  const removed = await fetch(`${url}/api/v1/tasks/${task_id}`, { method: 'DELETE' });
  return {
    accepted: accepted.status,
    location: accepted.headers.get('location'),
    status,
    type,
    name: result.headers.get('content-disposition'),
    detail,
    removed: removed.status,
  };
};

window.sendFromPage = async function ({ url, photo }) {
  const bytes = Uint8Array.from(atob(photo.base64), (character) => character.charCodeAt(0));
  const send = (method, path, answer, body, onTold) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, `${url}${path}`);
      request.responseType = answer;
      // Listening to this makes the browser ask first.
      if (onTold) request.upload.addEventListener('progress', onTold);
      request.addEventListener('load', () => resolve(request));
      request.addEventListener('error', () => reject(new Error('the request failed')));
      request.send(body);
    });
  let told = false;
  const form = new FormData();
  form.append('file', new File([bytes], photo.name, { type: 'text/html' }));
  const accepted = await send('POST', '/api/v1/enhance?quality_level=fast', 'json', form, () => (told = true));
  const { task_id } = accepted.response;
  let status = '';
  while (!['completed', 'failed'].includes(status)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const answer = (await send('GET', `/api/v1/status/${task_id}`, 'json')).response;
    ({ status } = answer);
  }
  const result = (await send('GET', `/api/v1/download/${task_id}`, 'blob')).response;
  return { accepted: accepted.status, told, status, blob: result.type };
};

window.batchFromPage = async function ({ url, photos }) {
  const form = new FormData();
  for (const { name, base64 } of photos) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    form.append('files', new Blob([bytes]), name);
  }
  const answer = await fetch(`${url}/api/v1/enhance/batch?quality_level=fast`, { method: 'POST', body: form });
  return (await answer.json()).batch_task_id;
};

window.eventsFromPage = function ({ url, batchId }) {
  return new Promise((resolve, reject) => {
    const names = [];
    const source = new EventSource(`${url}/api/v1/batches/${batchId}/events`);
    for (const name of ['snapshot', 'batch', 'photo', 'progress'])
      source.addEventListener(name, () => names.push(name));
    source.addEventListener('end', ({ data }) => {
      source.close();
      resolve([...names, `end ${JSON.parse(data).state}`]);
    });
    setTimeout(() => reject(new Error(`only ${names.join()} in a minute`)), 60_000);
  });
};
