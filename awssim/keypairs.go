package awssim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

type describeKeyPairsInput struct {
	Names   []string `query:"KeyName"`
	Filters []filter `query:"Filter"`
}

type keyPairReply struct {
	ID          string `reply:"keyPairId"`
	Type        string `reply:"keyType"`
	Name        string `reply:"keyName"`
	Fingerprint string `reply:"keyFingerprint"`
}

type describeKeyPairsReply struct {
	KeyPairs []keyPairReply `reply:"keySet"`
}

// describeKeyPairs lists the names of the options. Where these allow any name, there is none to list.
func (c *Cloud) describeKeyPairs(_ *call, in *describeKeyPairsInput) (any, error) {
	for _, name := range in.Names {
		if !slices.Contains(c.options.KeyPairs, name) {
			return nil, errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", clip(name, 255))
		}
	}
	match, err := compile(in.Filters, fields[keyPairReply]{
		"key-name":    one(func(k keyPairReply) string { return k.Name }),
		"key-pair-id": one(func(k keyPairReply) string { return k.ID }),
		"fingerprint": one(func(k keyPairReply) string { return k.Fingerprint }),
	}, nil)
	if err != nil {
		return nil, err
	}
	var reply describeKeyPairsReply
	for _, name := range c.options.KeyPairs {
		sum := sha256.Sum256([]byte(name))
		k := keyPairReply{"key-0" + hex.EncodeToString(sum[:8]), "ed25519", name, hex.EncodeToString(sum[:])}
		if (len(in.Names) == 0 || slices.Contains(in.Names, name)) && match(k) {
			reply.KeyPairs = append(reply.KeyPairs, k)
		}
	}
	return reply, nil
}
