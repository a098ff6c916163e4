// One HTTP request on its way through curl: what is asked of curl for it, what comes back, and what a failure means. It
// knows no queue and no sockets. Only for HttpFetcher.
#pragma once

#include <curl/curl.h>

#include <memory>

#include "agent/world/real/fetch_queue_internal.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/secret.h"

namespace medic {

struct CurlEasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;

// One request on its way: the handle, where the answer goes, and what was given to curl and must outlive it.
struct HttpTransfer {
    CurlEasy easy;
    FetchRequest request;
    HttpFetcher::Done done;
    const HttpAccess* access = nullptr;
    Secret secret;
    int redirects_left = 0;
    FetchKey queue_key;
    FetchReply reply;
    bool too_long = false;
    curl_slist* headers = nullptr;
    curl_mime* form = nullptr;
    char error[CURL_ERROR_SIZE] = {};

    HttpTransfer() = default;
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;
    ~HttpTransfer() {
        curl_slist_free_all(headers);
        curl_mime_free(form);
    }
};

// Sets up its handle, which is fresh or reset. curl keeps pointers into the transfer: it must stay where it is.
void set_options(HttpTransfer& transfer, const HttpFetcherOptions& options);

// curl has ended it well: the status of its answer, and the answer itself.
[[nodiscard]] long status_of(const HttpTransfer& transfer);
[[nodiscard]] FetchReply take_reply(HttpTransfer& transfer);

// curl has ended it with `code`: in the words and codes that HttpFetcher promises.
[[nodiscard]] Error error_of(const HttpTransfer& transfer, CURLcode code);

}  // namespace medic
