package awssim

import (
	"crypto/md5" //nolint:gosec // the checksum of SQS
	"encoding/hex"
	"time"
)

type getQueueURLInput struct {
	Name  string `query:"QueueName"`
	Owner string `query:"QueueOwnerAWSAccountId"`
}

type queueURLReply struct {
	QueueURL string `json:"QueueUrl"`
}

func (c *Cloud) getQueueURL(_ *call, in *getQueueURLInput) (any, error) {
	if in.Name == "" {
		return nil, missingParameter("QueueName")
	}
	if c.queues[in.Name] == nil || in.Owner != "" && in.Owner != c.options.Account {
		return nil, noQueue()
	}
	return queueURLReply{c.queueURL(in.Name)}, nil
}

type createQueueInput struct {
	Name string `query:"QueueName"`
}

// createQueue makes a queue, or finds the one of that name: queues have no attributes here that could differ.
func (c *Cloud) createQueue(_ *call, in *createQueueInput) (any, error) {
	if !validQueueName(in.Name) {
		return nil, errorf("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return queueURLReply{c.queueURL(c.queue(in.Name).name)}, nil
}

type sendMessageInput struct {
	QueueURL string `query:"QueueUrl"`
	Body     string `query:"MessageBody"`
}

type sendMessageReply struct {
	ID  string `json:"MessageId"`
	MD5 string `json:"MD5OfMessageBody"`
}

func (c *Cloud) sendMessage(call *call, in *sendMessageInput) (any, error) {
	q, err := c.findQueue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Body == "":
		return nil, missingParameter("MessageBody")
	case len(in.Body) > maxMessage:
		return nil, errorf("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxMessage)
	}
	id := c.newUUID()
	q.send(id, in.Body, call.now)
	return sendMessageReply{id, checksum(in.Body)}, nil
}

type receiveMessageInput struct {
	QueueURL   string `query:"QueueUrl"`
	Most       *int   `query:"MaxNumberOfMessages"`
	Visibility *int   `query:"VisibilityTimeout"`
	// Wait is over when the call is executed.
	Wait *int `query:"WaitTimeSeconds"`
}

type receiveMessageReply struct {
	Messages []messageReply `json:"Messages,omitempty"`
}

type messageReply struct {
	ID     string `json:"MessageId"`
	Handle string `json:"ReceiptHandle"`
	Body   string `json:"Body"`
	MD5    string `json:"MD5OfBody"`
}

func (c *Cloud) receiveMessage(call *call, in *receiveMessageInput) (any, error) {
	q, err := c.findQueue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	most, visibility := 1, defaultVisibility
	if in.Most != nil {
		most = *in.Most
	}
	if in.Visibility != nil {
		visibility = time.Duration(*in.Visibility) * time.Second
	}
	wait := time.Duration(value(in.Wait)) * time.Second
	switch {
	case most < 1 || most > maxBatch:
		return nil, errorf("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", most)
	case visibility < 0 || visibility > maxVisibility:
		return nil, errorf("InvalidParameterValue", "Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.", *in.Visibility)
	case wait < 0 || wait > maxWait:
		return nil, errorf("InvalidParameterValue", "Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", *in.Wait)
	}
	var reply receiveMessageReply
	for _, m := range q.receive(most, visibility, call.now, c.newUUID) {
		reply.Messages = append(reply.Messages, messageReply{m.id, m.handle, m.body, checksum(m.body)})
	}
	return reply, nil
}

type deleteMessageInput struct {
	QueueURL string `query:"QueueUrl"`
	Handle   string `query:"ReceiptHandle"`
}

func (c *Cloud) deleteMessage(_ *call, in *deleteMessageInput) (any, error) {
	q, err := c.findQueue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if in.Handle == "" {
		return nil, missingParameter("ReceiptHandle")
	}
	q.remove(in.Handle)
	return struct{}{}, nil
}

type deleteMessageBatchInput struct {
	QueueURL string        `query:"QueueUrl"`
	Entries  []deleteEntry `query:"Entries"`
}

type deleteEntry struct {
	ID     string `query:"Id"`
	Handle string `query:"ReceiptHandle"`
}

type deleteMessageBatchReply struct {
	Successful []deletedEntry `json:"Successful"`
	Failed     []failedEntry  `json:"Failed,omitempty"`
}

type deletedEntry struct {
	ID string `json:"Id"`
}

type failedEntry struct {
	ID     string `json:"Id"`
	Code   string `json:"Code"`
	Sender bool   `json:"SenderFault"`
}

func (c *Cloud) deleteMessageBatch(_ *call, in *deleteMessageBatchInput) (any, error) {
	q, err := c.findQueue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.Entries) == 0:
		return nil, errorf("EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request.")
	case len(in.Entries) > maxBatch:
		return nil, errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(in.Entries))
	}
	reply := deleteMessageBatchReply{Successful: []deletedEntry{}}
	seen := map[string]bool{}
	for _, entry := range in.Entries {
		switch {
		case entry.ID == "":
			return nil, missingParameter("Id")
		case seen[entry.ID]:
			return nil, errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", clip(entry.ID, 80))
		case entry.Handle == "":
			reply.Failed = append(reply.Failed, failedEntry{entry.ID, "ReceiptHandleIsInvalid", true})
		default:
			q.remove(entry.Handle)
			reply.Successful = append(reply.Successful, deletedEntry{entry.ID})
		}
		seen[entry.ID] = true
	}
	return reply, nil
}

func checksum(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // the checksum of SQS
	return hex.EncodeToString(sum[:])
}
