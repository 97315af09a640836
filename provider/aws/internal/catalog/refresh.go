package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
)

const (
	typesPrefix = "types/"
	// keepTypes is how long machine types are remembered that the table does not have.
	keepTypes = 90 * 24 * time.Hour
	// perPage is the most that DescribeInstanceTypes gives at once.
	perPage = 100
	// perEntry keeps an entry below the 64 KiB of [provider.Memory]: a line has fewer than 100 bytes.
	perEntry = 500
)

// Refresh reads the machine types of the region and remembers those that the table does not have. What a machine type
// is does not change. It returns how many the region has.
func (c Catalog) Refresh(ctx context.Context) (int, error) {
	count := 0
	var lines []string
	in := &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(perPage)}
	for {
		out, err := c.API.DescribeInstanceTypes(ctx, in)
		if err != nil {
			return 0, err
		}
		for _, t := range out.InstanceTypes {
			count++
			if _, known := search(table, string(t.InstanceType)); known {
				continue
			}
			if line, ok := describe(t); ok {
				lines = append(lines, line)
			}
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	if err := c.Memory.Forget(ctx, c.Prefix+typesPrefix); err != nil {
		return 0, fmt.Errorf("forget machine types: %w", err)
	}
	slices.Sort(lines)
	part := 0
	for some := range slices.Chunk(lines, perEntry) {
		key := fmt.Sprintf("%s%s%d", c.Prefix, typesPrefix, part)
		if err := c.Memory.Remember(ctx, key, []byte(strings.Join(some, "\n")), keepTypes); err != nil {
			return 0, fmt.Errorf("remember machine types: %w", err)
		}
		part++
	}
	return count, nil
}

// describe is a machine type as a line of the table; false when EC2 does not tell what it needs.
func describe(t types.InstanceTypeInfo) (string, bool) {
	if t.VCpuInfo == nil || t.VCpuInfo.DefaultVCpus == nil || t.MemoryInfo == nil || t.MemoryInfo.SizeInMiB == nil ||
		t.ProcessorInfo == nil || len(t.ProcessorInfo.SupportedArchitectures) == 0 {
		return "", false
	}
	cores := t.VCpuInfo.DefaultCores
	if cores == nil {
		cores = t.VCpuInfo.DefaultVCpus
	}
	return fmt.Sprintf("%s %d %d %d %s", t.InstanceType, *t.VCpuInfo.DefaultVCpus, *cores, *t.MemoryInfo.SizeInMiB,
		t.ProcessorInfo.SupportedArchitectures[0]), true
}

// MachineType finds a machine type in the table, or among those that a refresh has found.
func (c Catalog) MachineType(ctx context.Context, name string) (MachineType, error) {
	found, err := Lookup(name)
	if err == nil {
		return found, nil
	}
	parts, recallErr := c.Memory.RecallPrefix(ctx, c.Prefix+typesPrefix)
	if recallErr != nil {
		return MachineType{}, err // the table is all that is known without a memory
	}
	for _, lines := range parts {
		if line, ok := search(string(lines), name); ok {
			return parse(line)
		}
	}
	return MachineType{}, ohfp.Errorf(ohfp.ErrNotFound, "%w, or refresh the table from AWS", err)
}
