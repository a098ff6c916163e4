#include "agent/world/real/http_client.h"

#include <algorithm>
#include <mutex>

#include <curl/curl.h>

#include "agent/world/real/content_type_internal.h"
#include "agent/world/real/http_change_internal.h"
#include "agent/world/real/url.h"

namespace medic {
namespace {

constexpr std::size_t reply_header_bytes_max = 64 << 10;

struct Exchange {
    HttpReply reply;
    std::uint64_t body_bytes_max = 0;
    std::size_t header_bytes = 0;
    bool too_large = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
    auto& exchange = *static_cast<Exchange*>(context);
    const std::size_t bytes = size * count;
    if (exchange.reply.body.size() + bytes > exchange.body_bytes_max) {
        exchange.too_large = true;
        return 0;
    }
    exchange.reply.body.append(data, bytes);
    return bytes;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* context) {
    auto& exchange = *static_cast<Exchange*>(context);
    std::string_view line(data, size * count);
    exchange.header_bytes += line.size();
    if (exchange.header_bytes > reply_header_bytes_max) {
        exchange.too_large = true;
        return 0;
    }
    if (line.starts_with("HTTP/")) exchange.reply.headers.clear();  // A redirect's or a 100's header came before.
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    line.remove_prefix(colon + 1);
    const auto first = line.find_first_not_of(" \t");
    const auto last = line.find_last_not_of(" \t\r\n");
    exchange.reply.headers.emplace_back(
        std::move(name), first == std::string_view::npos || last == std::string_view::npos || last < first
                             ? ""
                             : std::string(line.substr(first, last - first + 1)));
    return size * count;
}

// `sent`: at least a part of the request may have reached the other side.
ErrorCode classify(CURLcode code, const HttpCall& call, bool sent) {
    switch (code) {
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_READ_ERROR:
        case CURLE_BAD_FUNCTION_ARGUMENT: return sent ? ErrorCode::outcome_unknown : ErrorCode::invalid;
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
        case CURLE_UNKNOWN_OPTION: return ErrorCode::internal;
        default: break;
    }
    if (!sent || only_reads(call.method)) return ErrorCode::unavailable;
    return ErrorCode::outcome_unknown;
}

struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListFree>;

struct MimeFree {
    void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
using Mime = std::unique_ptr<curl_mime, MimeFree>;

HeaderList make_headers(const HttpCall& call) {
    HeaderList list;
    auto append = [&list](const std::string& line) {
        if (curl_slist* grown = curl_slist_append(list.get(), line.c_str())) {
            list.release();
            list.reset(grown);
        }
    };
    if (const auto line = content_type_line(call.headers, call.body); !line.empty() && call.uploads.empty())
        append(line);
    for (const auto& [name, value] : call.headers) append(value.empty() ? name + ";" : name + ": " + value);
    return list;
}

Mime make_uploads(CURL* handle, const HttpCall& call) {
    Mime mime(curl_mime_init(handle));
    for (const auto& upload : call.uploads) {
        curl_mimepart* part = curl_mime_addpart(mime.get());
        curl_mime_name(part, upload.field.c_str());
        curl_mime_filedata(part, upload.path.c_str());
        if (!upload.filename.empty()) curl_mime_filename(part, upload.filename.c_str());
        if (!upload.content_type.empty()) curl_mime_type(part, upload.content_type.c_str());
    }
    return mime;
}

bool has_line_break(const HttpCall& call) {
    auto broken = [](const std::string& text) { return text.find_first_of("\r\n") != std::string::npos; };
    return broken(call.method) || broken(call.url) || std::ranges::any_of(call.headers, [&](const auto& field) {
               return broken(field.first) || broken(field.second);
           });
}

void set_tls(CURL* handle, const HttpCall& call) {
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (call.ca_file.empty()) return;
    curl_easy_setopt(handle, CURLOPT_CAINFO, call.ca_file.c_str());
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);  // That one alone, not the system's as well.
}

// What changes something is sent once, and to nobody that it was not meant for: see send_at_most_once().
bool follows(const HttpCall& call) { return call.redirects == HttpCall::Redirects::follow && only_reads(call.method); }

void set_common(CURL* handle, const HttpCall& call, Exchange& exchange) {
    curl_easy_setopt(handle, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<Duration::rep>(1, call.timeout.count())));
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::max<Duration::rep>(1, call.connect_timeout.count())));
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, follows(call) ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "streammedic");
    set_tls(handle, call);
    send_at_most_once(handle, call.method);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
}

}  // namespace

struct HttpClient::Impl {
    CURL* handle = nullptr;
    Impl() {
        static std::once_flag once;
        std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
        handle = curl_easy_init();
    }
    ~Impl() { curl_easy_cleanup(handle); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
};

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

std::string_view HttpReply::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers)
        if (name == lower_case_name) return value;
    return {};
}

Result<HttpReply> HttpClient::perform(const HttpCall& call) {
    CURL* handle = impl_->handle;
    if (!handle) return fail(ErrorCode::internal, "libcurl gave no handle");
    if (has_line_break(call)) return fail(ErrorCode::invalid, "{}: line break in method, URL or header", call.method);
    curl_easy_reset(handle);  // All options as at first; keeps the connection.
    Exchange exchange;
    exchange.body_bytes_max = call.body_bytes_max;
    set_common(handle, call, exchange);
    const HeaderList headers = make_headers(call);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    Mime mime;
    if (!call.uploads.empty()) {
        mime = make_uploads(handle, call);
        curl_easy_setopt(handle, CURLOPT_MIMEPOST, mime.get());
    } else if (!call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH") {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.data());
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    }
    if (call.method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    if (!only_reads(call.method)) curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);

    const CURLcode code = curl_easy_perform(handle);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    long status = 0, request_bytes = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &request_bytes);
    if (exchange.too_large)
        return fail(ErrorCode::invalid, "{} {}: the answer is larger than {} bytes", call.method, shown_url(call.url),
                    call.body_bytes_max);
    if (code != CURLE_OK)
        return fail(classify(code, call, request_bytes > 0), "{} {}: {}", call.method, shown_url(call.url),
                    detail[0] != '\0' ? detail : curl_easy_strerror(code));
    exchange.reply.status = static_cast<int>(status);
    return std::move(exchange.reply);
}

}  // namespace medic
