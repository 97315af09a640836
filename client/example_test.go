package client_test

import (
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp/client"
)

// Machines are asked for, waited for and given back. The server of this example works on a simulated AWS.
func Example() {
	url, stop := serve()
	defer stop()
	ctx := context.Background()
	c := client.Client{URL: url}

	made, err := c.RequestMachines(ctx, client.Order{Template: "small", Count: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := c.WaitForRequest(ctx, made.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(done.Status, len(done.Machines), done.Machines[0].Type)

	back, err := c.ReturnMachines(ctx, client.Return{Request: made.ID})
	if err != nil {
		fmt.Println(err)
		return
	}
	gone, err := c.WaitForRequest(ctx, back.ID)
	fmt.Println(gone.Status, *gone.Gone, err)
	// Output:
	// complete 2 t3.medium
	// complete 2 <nil>
}
