// Where a server of ours listens: an IP address and a port. A name is none, but `localhost`: which of a name's
// addresses would be meant nobody could tell from the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace medic {

struct ListenAddress {
    std::string host;  // An IP address without brackets.
    std::uint16_t port = 0;
    bool operator==(const ListenAddress&) const = default;
};

// IPv4:port, [IPv6]:port, or localhost:port, which is 127.0.0.1; nullopt: something else.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);
// Where whoever is on this host reaches it: a server on all addresses is reached on loopback.
[[nodiscard]] ListenAddress reachable(ListenAddress address);
// As in a URL: IPv6 in brackets.
[[nodiscard]] std::string to_string(const ListenAddress& address);

}  // namespace medic
