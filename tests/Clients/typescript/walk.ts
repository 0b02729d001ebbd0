// The README's walk, with a client made of the OpenAPI document.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [url, password] = process.argv.slice(2);
if (url === undefined || password === undefined) throw new Error("walk.js URL PASSWORD");

type Problem = components["schemas"]["Problem"];

const anyone = createClient<paths>({ baseUrl: url });
const as = (token: string) => createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
const wait = { header: { Prefer: "wait=30" } };

function got<T>(answer: { data?: T; error?: Problem | unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

function equal(actual: unknown, expected: unknown) {
  if (actual !== expected) throw new Error(`${String(actual)} instead of ${String(expected)}`);
}

async function signIn(identifier: string, secret: string) {
  return got(await anyone.POST("/v1/sessions", { body: { identifier, password: secret } })).accessToken;
}

const operator = as(await signIn("operator", password));
got(await operator.POST("/v1/campaigns", {
  body: {
    name: "First 100 sign-ins", trigger: "identity.user-signed-in", when: { first: true }, limit: 100,
    benefit: { kind: "percent", value: 30, products: ["mobile-top-up"] }, voucherValidFor: "P30D",
  },
}));
got(await anyone.POST("/v1/users", {
  body: { username: "tess", email: "tess@example.com", phone: "+31201234568", password: "correct horse battery", fullName: "Tess Script" },
}));
let tess = as(await signIn("tess", "correct horse battery"));

const vouchers = got(await tess.GET("/v1/vouchers", { params: wait }));
const code = vouchers.data[0]?.code;
if (code === undefined) throw new Error("no voucher");
const redeemed = got(await tess.POST("/v1/redemptions", {
  params: { header: { "Idempotency-Key": "order-4711" } },
  body: { code, amount: 5000, currency: "USD", product: "mobile-top-up", reference: "order-4711" },
}));
equal(redeemed.total, 3500);

const again = await tess.POST("/v1/redemptions", { body: { code, amount: 5000, currency: "USD", product: "mobile-top-up" } });
equal(again.error?.code, "code-exhausted");

const reward = got(await operator.POST("/v1/rewards", { body: { name: "Ten diamonds", item: "diamond", quantity: 10 } }));
const quest = got(await operator.POST("/v1/quests", {
  body: { name: "Three sign-ins", rewardId: reward.id, trigger: "identity.user-signed-in", streak: 3, duplication: 2 },
}));
for (let i = 0; i < 3; i++) tess = as(await signIn("tess", "correct horse battery"));
const progress = got(await tess.GET("/v1/quests/progress", { params: wait }));
equal(progress.data.find((one) => one.questId === quest.id)?.claimable, 1);
got(await tess.POST("/v1/quests/{id}/claims", { params: { path: { id: quest.id } } }));
equal(got(await tess.GET("/v1/wallet", { params: wait })).balances.diamond, 10);

got(await operator.POST("/v1/coupons", {
  body: {
    coupons: [{ code: "TEN-OFF-TS", type: "FREE", discount: { kind: "percent", value: 10 }, expiresAt: "2090-01-01T00:00:00Z", maxUses: 2 }],
  },
}));
const claim = got(await tess.POST("/v1/claims", { body: { type: "FREE" } }));
const order = got(await tess.POST("/v1/orders", {
  body: { product: "shoes", quantity: 1, total: { amount: 5005, currency: "USD" }, code: claim.coupon?.code ?? null },
}));
const settled = got(await tess.GET("/v1/orders/{id}", { params: { path: { id: order.id }, ...wait } }));
equal(settled.state, "confirmed");
equal(settled.toPay?.amount, 4505);
equal(got(await tess.POST("/v1/orders/{id}/cancel", { params: { path: { id: order.id } } })).state, "cancelled");
console.log("walked");
