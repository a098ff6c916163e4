#include "agent/world/real/http_access.h"

#include <curl/curl.h>

#include <memory>

#include "agent/world/real/url.h"

namespace medic {

void HttpAccessTable::add(const std::string& cluster, const std::string& url, HttpAccess access) {
    by_cluster_[cluster].insert_or_assign(url, std::move(access));
}

const HttpAccess* HttpAccessTable::find(std::string_view cluster, std::string_view url) const {
    const auto endpoints = by_cluster_.find(cluster);
    if (endpoints == by_cluster_.end()) return nullptr;
    const HttpAccess* best = nullptr;
    std::size_t longest = 0;
    for (const auto& [known, access] : endpoints->second) {
        if (known.size() < longest || !url.starts_with(known)) continue;
        // "http://host:80" must not speak for "http://host:8083".
        if (url.size() > known.size() && std::string_view("/?#").find(url[known.size()]) == std::string_view::npos)
            continue;
        best = &access;
        longest = known.size();
    }
    return best;
}

namespace {

using ParsedUrl = std::unique_ptr<CURLU, decltype([](CURLU* one) { curl_url_cleanup(one); })>;

// nullptr: it is no URL.
ParsedUrl parsed(const std::string& url) {
    ParsedUrl made(curl_url());
    if (curl_url_set(made.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) made.reset();
    return made;
}

// "" when it has no such part.
std::string part_of(const ParsedUrl& url, CURLUPart which) {
    char* text = nullptr;
    if (!url || curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return "";
    std::string part(text);
    curl_free(text);
    return part;
}

}  // namespace

Status may_follow(const HttpAccessTable& table, std::string_view cluster, const std::string& from,
                  const std::string& to) {
    const bool web = to.starts_with("http://") || to.starts_with("https://");
    if (!web || (from.starts_with("https://") && !to.starts_with("https://")))
        return fail(ErrorCode::invalid, "{}: it redirects to {}: expected https again", shown_url(from), shown_url(to));
    const std::string host = part_of(parsed(to), CURLUPART_HOST);
    if (table.find(cluster, to) == nullptr && (host.empty() || host != part_of(parsed(from), CURLUPART_HOST)))
        return fail(ErrorCode::invalid,
                    "{}: it redirects to {}, which is not configured for cluster {}: correct the address, or list that "
                    "one too",
                    shown_url(from), shown_url(to), cluster);
    return {};
}

bool same_target(const std::string& one, const std::string& other) {
    const ParsedUrl a = parsed(one), b = parsed(other);
    return a && b && part_of(a, CURLUPART_PATH) == part_of(b, CURLUPART_PATH) &&
           part_of(a, CURLUPART_QUERY) == part_of(b, CURLUPART_QUERY);
}

}  // namespace medic
