package hostfactory

import (
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
)

type requestAnswer struct {
	Message   string         `json:"message"`
	RequestID ohfp.RequestID `json:"requestId"`
}

// EncodeRequested writes the answer of requestMachines.
func EncodeRequested(r ohfp.Request) ([]byte, error) {
	return answer(requestAnswer{Message: sentence(messageRequested + " " + r.Message), RequestID: r.ID})
}

// EncodeReturned writes the answer of requestReturnMachines. nameless is how many entries named no machine.
func EncodeReturned(r ohfp.Request, nameless int) ([]byte, error) {
	parts := []string{messageNoneActive}
	for _, m := range r.Machines {
		if !m.Gone() || m.TerminatedAt.After(r.CreatedAt) {
			parts[0] = messageReturned
		}
	}
	for _, u := range r.Unknown {
		parts = append(parts, strings.TrimSuffix(sentence(u.Message), ".")+".")
	}
	if nameless > 0 {
		parts = append(parts, ohfp.Count(nameless, "entry")+" named no machine.")
	}
	return answer(requestAnswer{Message: shorten(parts), RequestID: r.ID})
}

// shorten joins sentences and leaves out those beyond the first few: a return of thousands has one message.
func shorten(sentences []string) string {
	const most = 6
	if len(sentences) > most {
		more := fmt.Sprintf("%d more like these.", len(sentences)-most)
		sentences = append(sentences[:most:most], more)
	}
	return strings.Join(sentences, " ")
}
