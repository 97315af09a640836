package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// EC2Interruptions is what this provider uses of EC2 to see which machines it takes back.
type EC2Interruptions interface {
	DescribeSpotInstanceRequests(context.Context, *ec2.DescribeSpotInstanceRequestsInput, ...func(*ec2.Options)) (*ec2.DescribeSpotInstanceRequestsOutput, error)
	DescribeInstanceStatus(context.Context, *ec2.DescribeInstanceStatusInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceStatusOutput, error)
}

// SQS is what this provider uses of SQS. [sqs.Client] implements it.
type SQS interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// DescribeSpotInstanceRequests reads one page of what spot machines were asked for with.
func (a API) DescribeSpotInstanceRequests(ctx context.Context, in *ec2.DescribeSpotInstanceRequestsInput) (*ec2.DescribeSpotInstanceRequestsOutput, error) {
	return onEC2(ctx, a, "DescribeSpotInstanceRequests", EC2.DescribeSpotInstanceRequests, in)
}

// DescribeInstanceStatus reads one page of what is scheduled for machines.
func (a API) DescribeInstanceStatus(ctx context.Context, in *ec2.DescribeInstanceStatusInput) (*ec2.DescribeInstanceStatusOutput, error) {
	return onEC2(ctx, a, "DescribeInstanceStatus", EC2.DescribeInstanceStatus, in)
}

// GetQueueURL finds a queue by its name.
func (a API) GetQueueURL(ctx context.Context, in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) {
	return onSQS(ctx, a, "GetQueueUrl", SQS.GetQueueUrl, in)
}

// ReceiveMessage waits for messages.
func (a API) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	return onSQS(ctx, a, "ReceiveMessage", SQS.ReceiveMessage, in)
}

// DeleteMessageBatch deletes messages that were received.
func (a API) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	return onSQS(ctx, a, "DeleteMessageBatch", SQS.DeleteMessageBatch, in)
}

type sqsCall[In, Out any] func(SQS, context.Context, *In, ...func(*sqs.Options)) (*Out, error)

func onSQS[In, Out any](ctx context.Context, a API, operation string, call sqsCall[In, Out], in *In) (*Out, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return nil, err
	}
	out, err := call(clients.SQS(), ctx, in)
	if err != nil {
		return nil, Fail(operation, err)
	}
	return out, nil
}
