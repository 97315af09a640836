package awsapi

import (
	"strings"

	"github.com/openhostfactory/ohfp"
)

// kindOfCode says what an error code of EC2, Auto Scaling or STS means. fault is the HTTP status of the answer; it decides
// about codes that are not in the table. Sources: the EC2 API reference, "Error codes for the Amazon EC2 API", and what
// CreateFleet puts into the errors of an instant fleet.
func kindOfCode(code, message string, fault int) error {
	switch code {
	case "", "UnknownError":
		// The SDK has this for an answer without a code, such as one that was cut off or that a proxy made. Whatever its
		// status, it says nothing of what became of the call.
		return ohfp.ErrUnavailable
	case "AuthFailure":
		// One code for two things: credentials that nobody can use, and an image that belongs to somebody else.
		if strings.Contains(message, "credentials") {
			return ohfp.ErrUnavailable
		}
		return ohfp.ErrDenied
	case "RequestLimitExceeded", "Throttling", "ThrottlingException", "EC2ThrottledException", "RequestThrottled", "SlowDown":
		return ohfp.ErrThrottled
	case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "OptInRequired", "Blocked", "PendingVerification",
		"AuthFailure.ServiceLinkedRoleCreationNotPermitted", "OperationNotPermitted", "ServiceLinkedRoleFailure":
		return ohfp.ErrDenied
	case "InvalidAMIID.Unavailable", "fleetIdDoesNotExist", "fleetRequestIdDoesNotExist":
		return ohfp.ErrNotFound
	case "IdempotentParameterMismatch", "IncorrectInstanceState", "IncorrectState", "FleetNotInModifiableState",
		"AlreadyExists", "ResourceInUse", "ScalingActivityInProgress":
		return ohfp.ErrConflict
	case "ResourceContention": // Auto Scaling: somebody else changes the same group; the same call succeeds soon
		return ohfp.ErrUnavailable
	case "LimitExceeded": // of Auto Scaling groups in the account
		return ohfp.ErrCapacity
	}
	switch {
	case IsCapacity(code):
		return ohfp.ErrCapacity
	case isCredentials(code):
		return ohfp.ErrUnavailable
	case strings.HasSuffix(code, ".NotFound"), strings.HasSuffix(code, "NotFoundException"), strings.HasSuffix(code, ".Unknown"):
		return ohfp.ErrNotFound
	case fault >= 400 && fault < 500, fault == 0 && isInput(code):
		// A refusal of the call as it is; the same call again is refused again.
		return ohfp.ErrInvalid
	default:
		return ohfp.ErrUnavailable
	}
}

// isInput recognises, where there is no HTTP status (an error inside an instant fleet's answer), codes that blame what
// was sent.
func isInput(code string) bool {
	for _, prefix := range []string{"Invalid", "Missing", "Unknown", "Malformed", "Validation", "Unsupported", "VPC", "Volume", "Incorrect"} {
		if strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return false
}

// IsCapacity says whether a code means that EC2 has too few machines of this kind, or the account may not have more of
// them now: another offering, or the same one later, may do.
func IsCapacity(code string) bool {
	switch code {
	case "InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientReservedInstanceCapacity",
		"InsufficientCapacity", "InsufficientVolumeCapacity", "UnfulfillableCapacity", "ReservationCapacityExceeded",
		"Unsupported", // the zone does not offer the machine type
		"SpotMaxPriceTooLow", "InsufficientCapacityOnOutpost":
		return true
	default:
		return IsAddresses(code) || IsQuota(code)
	}
}

// IsAddresses says whether a code means that the subnet has no free addresses, whatever the machine type.
func IsAddresses(code string) bool { return code == "InsufficientFreeAddressesInSubnet" }

// IsPrice says whether a code means that the price offered is too low for now.
func IsPrice(code string) bool { return code == "SpotMaxPriceTooLow" }

// IsQuota says whether a code means that a quota of the account is used up, in every zone alike.
func IsQuota(code string) bool {
	switch code {
	case "InstanceLimitExceeded", "VcpuLimitExceeded", "MaxSpotInstanceCountExceeded", "MaxFleetCountExceeded", "MaxSpotFleetRequestCountExceeded",
		"VolumeLimitExceeded", "MaxIOPSLimitExceeded", "AddressLimitExceeded", "NetworkInterfaceLimitExceeded":
		return true
	default:
		return false
	}
}

// isCredentials says whether a code means that nobody was recognised: the credentials must be mended, and then the same
// call may succeed.
func isCredentials(code string) bool {
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "IncompleteSignature", "InvalidAccessKeyId", "MissingAuthenticationToken",
		"InvalidSecurityToken", "TokenRefreshRequired":
		return true
	default:
		return false
	}
}
