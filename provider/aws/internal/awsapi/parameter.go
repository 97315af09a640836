package awsapi

import "context"

// SSM is what this provider uses of Systems Manager.
type SSM interface {
	GetParameter(ctx context.Context, name string) (string, error)
}

// GetParameter reads the value of a parameter of Systems Manager.
func (a API) GetParameter(ctx context.Context, name string) (string, error) {
	clients, err := a.Connect(ctx)
	if err != nil {
		return "", err
	}
	var value string
	err = a.do(ctx, call{operation: "GetParameter"}, func() (err error) {
		value, err = clients.SSM.GetParameter(ctx, name)
		return err
	})
	return value, err
}
