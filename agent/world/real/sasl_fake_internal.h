// Test support: a broker's side of SASL, for one user. Its SCRAM is written from the server's view of RFC 5802.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/wire/messages/sasl.h"

namespace medic {

struct FakeLogins {
    std::vector<std::string> mechanisms;
    std::string username, password;
    std::int64_t session_lifetime_ms = 0;
    bool knows_password = true;  // Else it signs with another one, as an impostor would.
};

// What one connection has gone through so far.
class FakeSaslServer {
public:
    explicit FakeSaslServer(FakeLogins logins) : logins_(std::move(logins)) {}
    [[nodiscard]] wire::SaslHandshakeResponse handshake(const wire::SaslHandshakeRequest& request);
    [[nodiscard]] wire::SaslAuthenticateResponse authenticate(const wire::SaslAuthenticateRequest& request);
    [[nodiscard]] bool logged_in() const { return logged_in_; }

private:
    [[nodiscard]] wire::SaslAuthenticateResponse scram_first(const std::string& message);
    [[nodiscard]] wire::SaslAuthenticateResponse scram_final(const std::string& message);

    FakeLogins logins_;
    std::string mechanism_, client_first_, server_first_;
    bool logged_in_ = false;
};

}  // namespace medic
