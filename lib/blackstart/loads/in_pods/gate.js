// Run beside the load, in the same pod: sets the state of its k6 to SET at the time AT_MS, and says what it saw.
import http from 'k6/http';
import { sleep } from 'k6';
import exec from 'k6/execution';
import * as script from './script.js';

export const options = { vus: 1, iterations: 1 };

const url = 'http://127.0.0.1:6565/v1/status';

export function setup() {
  const { thresholds, executionSegment } = script.options || {};
  const was = http.get(url).json('data.attributes');
  sleep(Math.max(0, Number(__ENV.AT_MS || 0) - Date.now()) / 1000);
  if (__ENV.SET) {
    const body = { data: { type: 'status', id: 'default', attributes: JSON.parse(__ENV.SET) } };
    const answer = http.patch(url, JSON.stringify(body));
    if (answer.status !== 200) exec.test.abort(`${answer.status} ${answer.body}`);
  }
  return { was, now_ms: Date.now(), thresholds, segment: executionSegment };
}

export default function () {}

export function handleSummary(data) {
  return { stdout: `${JSON.stringify(data.setup_data)}\n` };
}
