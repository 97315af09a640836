package cli

import "github.com/openhostfactory/ohfp/internal/output"

func requestsLayout() output.Layout {
	return output.Layout{
		Records: "requests",
		Empty:   "No requests.",
		Columns: []output.Column{
			{Key: "requestId", Heading: "request"},
			{Key: "status", State: true},
			{Key: "delivered", Heading: "ready", Number: true},
			{Key: "gone", Number: true},
			{Key: "count", Number: true},
			{Key: "templateId", Heading: "template"},
			{Key: "message"},
			{Key: "type"},
			{Key: "createdAt", Heading: "created"},
			{Key: "completedAt", Heading: "completed"},
			{Key: "provider"},
			{Key: "placement"},
		},
		Within: map[string]output.Layout{
			"machines": {Columns: machineColumns()},
			"unknown":  {Columns: []output.Column{{Key: "machineId", Heading: "machine"}, {Key: "name"}, {Key: "message"}}},
		},
	}
}

// requestLayout is for a single request.
func requestLayout() output.Layout {
	layout := requestsLayout()
	layout.Records = ""
	return layout
}

// planLayout is for what a request would do.
func planLayout() output.Layout {
	return output.Layout{Columns: []output.Column{
		{Key: "dryRun", Heading: "dry run"},
		{Key: "templateId", Heading: "template"},
		{Key: "count", Number: true},
		{Key: "provider"},
		{Key: "placement"},
		{Key: "dollarsAnHour", Heading: "$ an hour", Number: true},
		{Key: "vcpus", Heading: "vcpus", Number: true},
	}}
}
