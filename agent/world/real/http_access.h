// Who may be shown which credentials: an address and what the configuration gives for it. A request is matched by its
// cluster and URL, so that what is meant for one endpoint never reaches another: not by a redirect, and not another
// cluster's endpoint at the same address.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/base/access.h"
#include "agent/base/result.h"

namespace medic {

class HttpAccessTable {
public:
    // `url` as configured, without a slash at the end: speaks for itself and everything below it.
    void add(const std::string& cluster, const std::string& url, HttpAccess access);

    // The entry of the longest URL that `url` lies under; nullptr: no such endpoint is configured.
    [[nodiscard]] const HttpAccess* find(std::string_view cluster, std::string_view url) const;

private:
    std::map<std::string, std::map<std::string, HttpAccess>, std::less<>> by_cluster_;
};

// Whether a request for `from` may go on at `to`, where an answer wants to send it: only to an endpoint that is
// configured for the cluster or to the same host, and never from https to http.
[[nodiscard]] Status may_follow(const HttpAccessTable& table, std::string_view cluster, const std::string& from,
                                const std::string& to);

// Whether both name the same path and query, at whatever host. Where a redirect does so, a standby sends to its leader;
// any other one would turn a change into another.
[[nodiscard]] bool same_target(const std::string& one, const std::string& other);

}  // namespace medic
