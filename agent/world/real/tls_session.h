// The client's side of one TLS connection, sans-I/O: bytes from the network go in, bytes for the network come out; the
// socket is its owner's. TLS 1.2 or newer. Certificates are always checked; errors say what is wrong with whose.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/base/access.h"
#include "agent/base/result.h"

namespace medic {

class TlsSession {
public:
    // Reads the files anew, so that a rotated certificate is found at the next connection. `host` is the name or
    // address that was dialled.
    [[nodiscard]] static Result<std::unique_ptr<TlsSession>> begin(const TlsFiles& files, const std::string& host);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // From the network.
    void feed(std::string_view bytes);
    // What must go to the network now; empty: nothing. Ask after every other call.
    [[nodiscard]] std::string take();

    // One step of the handshake. True: done. False: feed() more.
    [[nodiscard]] Result<bool> handshake();
    [[nodiscard]] Status write(std::string_view plain);
    // The number of plain bytes put into `into`; 0: feed() more, or the peer has said goodbye (ended()).
    [[nodiscard]] Result<std::size_t> read(char* into, std::size_t size);
    [[nodiscard]] bool ended() const;

private:
    TlsSession() = default;
    struct Native;
    std::unique_ptr<Native> native_;
};

}  // namespace medic
