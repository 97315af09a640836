package dynamodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
)

// expiryAttribute is what DynamoDB removes items by, in seconds since 1970. Only what providers remember has it.
const expiryAttribute = "ttl"

// Init makes the table if it is missing, lets expired items be removed by DynamoDB, and returns when it can be used. The
// first use of a store does the same; this is for those who run the program with an identity that may not.
func (s *Store) Init(ctx context.Context) error { return s.fault(s.table.create(ctx)) }

func (t *table) create(ctx context.Context) error {
	api, err := t.connect(ctx)
	if err != nil {
		return err
	}
	_, err = api.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &t.name,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(partitionKey), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(sortKey), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(partitionKey), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(sortKey), KeyType: types.KeyTypeRange},
		},
		BillingMode: types.BillingModePayPerRequest,
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	if err := t.awaitActive(ctx, api); err != nil {
		return err
	}
	_, err = api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &t.name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(expiryAttribute), Enabled: aws.Bool(true)},
	})
	if err != nil && !expiryIsSet(err) {
		return err
	}
	return nil
}

// expiryIsSet says that nothing is left to do about expiry: it is on, somebody is turning it on, or this is an emulator
// without it. What has expired is never returned, whether it was removed or not.
func expiryIsSet(err error) bool {
	var busy *types.ResourceInUseException
	var other smithy.APIError
	if errors.As(err, &busy) {
		return true
	}
	return errors.As(err, &other) && (other.ErrorCode() == "UnknownOperationException" ||
		other.ErrorCode() == "ValidationException" && strings.Contains(other.ErrorMessage(), "TimeToLive"))
}

// slowTable is how long a new table may take.
const slowTable = 2 * time.Minute

func (t *table) awaitActive(ctx context.Context, api API) error {
	for began := time.Duration(0); began < slowTable; began += tableLook {
		out, err := api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
		var missing *types.ResourceNotFoundException
		switch {
		case errors.As(err, &missing): // the description of a new table may be late
		case err != nil:
			return err
		case out.Table.TableStatus == types.TableStatusActive || out.Table.TableStatus == types.TableStatusUpdating:
			return nil
		}
		timer := time.NewTimer(tableLook)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return ohfp.Errorf(ohfp.ErrTimeout, "DynamoDB table %s is still being made after %s; try again later", t.name, ohfp.FormatDuration(slowTable))
}

const tableLook = 100 * time.Millisecond
