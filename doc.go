// Package ohfp is the domain of the Open Host Factory Plugin: templates, requests for machines, the machines
// themselves, what may happen to them, and Plan, the pure function that says what to do next.
// It refuses to know any cloud, store, protocol or clock: packages that know those depend on this one.
//
// A scheduler asks for machines from a [Template]. The ask becomes a [Request], written down before any cloud is
// called. Each call to the cloud is an [Attempt] that carries the exact call and its idempotency token. What the cloud
// shows is folded into the request with [Request.Fold], and [Plan] turns the request and those [Facts] into actions
// until the request has reached a terminal [Status] and nothing of it is left behind.
package ohfp
