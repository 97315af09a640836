package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp/internal/storage"
)

type strategiesAnswer struct{ Body storageStrategies }

type storageAnswer struct{ Body storageSettings }

type storageHealthInput struct {
	Detailed bool `query:"detailed" doc:"Read everything and look for damage, which takes longer the more there is"`
}

type storageHealthAnswer struct {
	Status int
	Body   storageHealth
}

type storageValidationAnswer struct {
	Status int
	Body   storageValidation
}

type storageTestAnswer struct {
	Status int
	Body   storageTest
}

type storageMetricsInput struct {
	Rounds int `query:"rounds" minimum:"1" maximum:"50" default:"20" doc:"How often each operation is done"`
}

type storageMetricsAnswer struct{ Body storageMetrics }

// In the document, types of all packages share one space of names.
type (
	storageStrategies struct{ storage.StrategyList }
	storageSettings   struct{ storage.Settings }
	storageHealth     struct{ storage.Health }
	storageValidation struct{ storage.Validation }
	storageTest       struct{ storage.TestResult }
	storageMetrics    struct{ storage.Metrics }
)

func addStorage(on *surface) {
	s := on.server
	fine := func(good bool) int {
		if good {
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	}
	const theStore = "the store"
	const open = "Of the store that the program has open. 503 when something fails. "
	add(on, route{
		Operation: "storage.show", Method: http.MethodGet, Path: "/api/v1/storage", ID: "getStorage", Tag: "storage",
		Summary: "The settings of the store", Text: "Without secrets.",
	},
		func(context.Context, *struct{}) (*storageAnswer, error) {
			return &storageAnswer{Body: storageSettings{s.Storage.Show()}}, nil
		})
	add(on, route{
		Operation: "storage.list", Method: http.MethodGet, Path: "/api/v1/storage/strategies", ID: "listStorageStrategies", Tag: "storage",
		Summary: "The ways to keep records",
	},
		func(context.Context, *struct{}) (*strategiesAnswer, error) {
			return &strategiesAnswer{Body: storageStrategies{s.Storage.Strategies()}}, nil
		})
	add(on, route{
		Operation: "storage.health", Method: http.MethodGet, Path: "/api/v1/storage/health", ID: "getStorageHealth", Tag: "storage",
		Summary: "Whether the store works", Text: open + "It writes, reads and removes a probe, and counts what there is. Times are in milliseconds.",
	},
		func(ctx context.Context, in *storageHealthInput) (*storageHealthAnswer, error) {
			found := s.Storage.Health(ctx, in.Detailed)
			s.tell(ctx, &found.Details.Problem, theStore, found.Details.Err)
			return &storageHealthAnswer{Status: fine(found.Healthy), Body: storageHealth{found}}, nil
		})
	add(on, route{
		Operation: "storage.validate", Method: http.MethodGet, Path: "/api/v1/storage/validate", ID: "validateStorage", Tag: "storage",
		Summary: "Whether the store can be used as it is configured", Text: open,
	},
		func(ctx context.Context, _ *struct{}) (*storageValidationAnswer, error) {
			found := s.Storage.Validate(ctx)
			for i := range found.Checks {
				s.tell(ctx, &found.Checks[i].Message, theStore, found.Checks[i].Err)
			}
			return &storageValidationAnswer{Status: fine(found.Success), Body: storageValidation{found}}, nil
		})
	add(on, route{
		Operation: "storage.test", Method: http.MethodPost, Path: "/api/v1/storage/test", ID: "testStorage", Tag: "storage",
		Summary: "Write, read and remove a record", Text: open,
	},
		func(ctx context.Context, _ *struct{}) (*storageTestAnswer, error) {
			found := s.Storage.Test(ctx)
			s.tell(ctx, &found.Message, theStore, found.Err)
			return &storageTestAnswer{Status: fine(found.Success), Body: storageTest{found}}, nil
		})
	add(on, route{
		Operation: "storage.metrics", Method: http.MethodGet, Path: "/api/v1/storage/metrics", ID: "getStorageMetrics", Tag: "storage",
		Summary: "How fast the store is", Text: "Does each kind of operation some times and tells how long they took, in milliseconds.",
	},
		func(ctx context.Context, in *storageMetricsInput) (*storageMetricsAnswer, error) {
			found, err := s.Storage.Measure(ctx, in.Rounds)
			s.tell(ctx, &found.Details.Error, theStore, found.Details.Err)
			return &storageMetricsAnswer{Body: storageMetrics{found}}, err
		})
}
