// What HTTP methods mean for how they are sent: those that only read may be sent again, all others at most once. Only
// for HttpFetcher and HttpClient.
#pragma once

#include <curl/curl.h>

#include <string_view>

namespace medic {

// The safe methods (RFC 9110, 9.2.1) that are used here.
[[nodiscard]] inline bool only_reads(std::string_view method) { return method == "GET" || method == "HEAD"; }

// A request that may change something gets a connection of its own, closed afterwards: on one that was used before,
// libcurl sends every request again by itself when the other side closes it before the first byte of an answer, as a
// server does that has done what it was asked and then dies.
inline void send_at_most_once(CURL* easy, std::string_view method) {
    if (only_reads(method)) return;
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

}  // namespace medic
