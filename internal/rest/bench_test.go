package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkAgain is what an answer costs that was given lately, without the network.
func BenchmarkAgain(b *testing.B) {
	w := newWorld(b, func(w *world) {
		w.server.Commands = still{w.commands}
		w.server.Revision = func(context.Context) (int64, bool, error) { return 1, true, nil }
	})
	r := w.delivered(100)
	handler, err := w.server.Handler(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	call := httptest.NewRequest(http.MethodGet, "/api/v1/requests/"+string(r.ID)+"/status", nil)
	call.Host = "localhost"
	b.ReportAllocs()
	for b.Loop() {
		to := httptest.NewRecorder()
		if handler.ServeHTTP(to, call); to.Code != http.StatusOK {
			b.Fatal(to.Body.String())
		}
	}
}
