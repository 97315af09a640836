package hostfactory

import (
	"time"

	"github.com/openhostfactory/ohfp/internal/query"
)

type returnRequestsAnswer struct {
	Status   string          `json:"status"`
	Message  string          `json:"message"`
	Requests []returnRequest `json:"requests"`
}

type returnRequest struct {
	Machine     string `json:"machine"`     // the host name, by which Host Factory knows its hosts
	GracePeriod int64  `json:"gracePeriod"` // whole seconds left, at most one too many, 0 when it is gone
}

// EncodeReturnRequests writes the answer of getReturnRequests. problem says why the cloud could not be asked: then the
// list holds what was known before.
func EncodeReturnRequests(reclaimed []query.Reclaimed, problem error) ([]byte, error) {
	out := returnRequestsAnswer{Status: statusComplete, Message: messageReturnRequests, Requests: []returnRequest{}}
	if problem != nil {
		out.Message = sentence(notAsked(problem) + "; this is what was known before")
	}
	at := map[string]int{}
	for _, r := range reclaimed {
		entry := returnRequest{Machine: because(r.Name, string(r.Machine)), GracePeriod: seconds(r.Grace)}
		if i, twice := at[entry.Machine]; twice {
			out.Requests[i].GracePeriod = min(out.Requests[i].GracePeriod, entry.GracePeriod)
			continue
		}
		at[entry.Machine] = len(out.Requests)
		out.Requests = append(out.Requests, entry)
	}
	return answer(out)
}

// seconds is rounded up. Clouds tell times to the second before, so that both together are off by less than a second.
func seconds(left time.Duration) int64 {
	return int64((max(left, 0) + time.Second - 1) / time.Second)
}
