// The flash sale's load as a k6 script, for `--k6 scripts/load-test.k6.js`, or alone:
//   BASE_URL=http://localhost:3000 PRODUCT=iphone-15 k6 run scripts/load-test.k6.js
// An order's key is its user, too, and begins with ORDER_PREFIX: by that the drill knows its own orders in the database.
import http from 'k6/http';
import exec from 'k6/execution';

const base = __ENV.BASE_URL || 'http://localhost:3000';
const product = __ENV.PRODUCT || 'iphone-15';
const last = __ENV.PRODUCT_LAST || product;
const prefix = __ENV.ORDER_PREFIX || 'k6-';

export const options = {
  scenarios: {
    buyers: {
      executor: 'constant-arrival-rate', rate: Number(__ENV.RATE_PER_S || 25), timeUnit: '1s', duration: '30m',
      preAllocatedVUs: 100, maxVUs: 600,
    },
  },
  thresholds: { 'http_req_duration{expected_response:true}': ['p(95)<5000'] },
  maxRedirects: 0,
};

function order(name, productId, key) {
  exec.vu.metrics.metadata.key = key;
  return http.post(`${base}/order`, JSON.stringify({ productId: productId, userId: key }), {
    headers: { 'Content-Type': 'application/json', 'x-idempotency-key': key },
    tags: { name: name },
    timeout: '8s',
  });
}

export default function () {
  const number = exec.scenario.iterationInTest;
  const [name, productId] = number % 5 ? ['order', product] : ['last_ones', last];
  const key = `${prefix}${number}`;
  const answer = order(name, productId, key);
  // Some buyers click twice, and who got no clear answer tries again: with the same key.
  if (number % 4 === 1 || answer.status === 0 || answer.status >= 500) {
    order(name, productId, key);
  }
}
