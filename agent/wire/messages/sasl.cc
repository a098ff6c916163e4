#include "agent/wire/messages/sasl.h"

namespace medic::wire {

void SaslHandshakeResponse::fields(Codec& c) {
    c(error);
    c(mechanisms);
}

void SaslHandshakeRequest::fields(Codec& c) { c(mechanism); }

void SaslAuthenticateResponse::fields(Codec& c) {
    c(error);
    c(error_message);
    c.bytes(auth_bytes);
    c(session_lifetime_ms, since(1));
}

void SaslAuthenticateRequest::fields(Codec& c) { c.bytes(auth_bytes); }

}  // namespace medic::wire
