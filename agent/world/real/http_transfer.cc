#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "agent/world/real/content_type_internal.h"
#include "agent/world/real/http_change_internal.h"
#include "agent/world/real/http_transfer_internal.h"
#include "agent/world/real/url.h"

namespace medic {
namespace {

// Drops what is in front of the end that is asked for, once `spare` bytes of it have gathered.
void keep_tail(HttpTransfer& transfer, std::size_t spare) {
    FetchReply& reply = transfer.reply;
    const std::size_t tail = transfer.request.body_tail_bytes;
    if (tail == 0 || reply.body.size() <= tail + spare) return;
    reply.left_out_bytes += reply.body.size() - tail;
    reply.body.erase(0, reply.body.size() - tail);
}

std::size_t on_body(char* data, std::size_t, std::size_t count, void* user) {
    auto& transfer = *static_cast<HttpTransfer*>(user);
    if (transfer.reply.left_out_bytes + transfer.reply.body.size() + count > transfer.request.body_bytes_max) {
        transfer.too_long = true;
        return 0;
    }
    transfer.reply.body.append(data, count);
    keep_tail(transfer, transfer.request.body_tail_bytes);
    return count;
}

// Only the Date is kept: how far the other side's clock is off.
std::size_t on_header(char* data, std::size_t, std::size_t count, void* user) {
    constexpr std::string_view name = "date:";
    std::string_view line(data, count);
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    if (line.size() < name.size() || !std::ranges::equal(line.substr(0, name.size()), name, same)) return count;
    line.remove_prefix(name.size());
    const auto first = line.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return count;
    static_cast<HttpTransfer*>(user)->reply.date =
        std::string(line.substr(first, line.find_last_not_of(" \t\r\n") - first + 1));
    return count;
}

// Where the answer goes.
void set_answer(HttpTransfer& transfer) {
    CURL* easy = transfer.easy.get();
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
}

void set_access(CURL* easy, const HttpAccess& access, const Secret& secret) {
    if (access.auth.given()) {
        const bool basic = !access.auth.username.empty();
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(basic ? CURLAUTH_BASIC : CURLAUTH_BEARER));
        if (basic) curl_easy_setopt(easy, CURLOPT_USERNAME, access.auth.username.c_str());
        curl_easy_setopt(easy, basic ? CURLOPT_PASSWORD : CURLOPT_XOAUTH2_BEARER, std::string(secret.reveal()).c_str());
    }
    if (!access.tls) return;
    if (!access.tls->ca.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, access.tls->ca.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // That one alone, not the system's as well.
    }
    if (!access.tls->certificate.empty()) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, access.tls->certificate.c_str());
        curl_easy_setopt(easy, CURLOPT_SSLKEY, access.tls->key.c_str());
    }
    if (!access.tls->check_hostname) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

// The method, and what is sent with it: a file as a form, or the body. Not for GET.
void set_body(HttpTransfer& transfer) {
    CURL* easy = transfer.easy.get();
    const FetchRequest& request = transfer.request;
    if (request.method == "GET") return;
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!request.upload_file.empty()) {
        transfer.form = curl_mime_init(easy);
        curl_mimepart* part = curl_mime_addpart(transfer.form);
        curl_mime_name(part, request.upload_field.c_str());
        curl_mime_filedata(part, request.upload_file.c_str());
        curl_mime_type(part, "application/x-java-archive");
        curl_easy_setopt(easy, CURLOPT_MIMEPOST, transfer.form);
    } else {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    }
}

void set_headers(HttpTransfer& transfer) {
    const FetchRequest& request = transfer.request;
    if (const auto line = content_type_line(request.headers, request.body);
        !line.empty() && request.upload_file.empty())
        transfer.headers = curl_slist_append(transfer.headers, line.c_str());
    for (const auto& [name, value] : request.headers)
        transfer.headers = curl_slist_append(transfer.headers, (name + ": " + value).c_str());
    if (transfer.headers != nullptr) curl_easy_setopt(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.headers);
}

// Whether the other side can't have seen the request.
bool never_arrived(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
        case CURLE_READ_ERROR: return true;
        default: return false;
    }
}

// What someone can do about it, where curl's own words don't say.
std::string_view hint(std::string_view why) {
    const auto says = [&](std::string_view part) { return why.find(part) != std::string_view::npos; };
    if (says("funny value")) return " (the file that was to be sent can't be read)";
    if (says("wrong version number")) return " (it does not speak TLS here: is it an http:// address?)";
    if (says("HTTP/0.9")) return " (it does not answer in HTTP: is it an https:// address?)";
    if (says("certificate required") || says("alert handshake failure") || says("alert bad certificate"))
        return " (it wants a client certificate that it trusts: `tls: {certificate, key}`)";
    if (says("unable to get local issuer certificate") || says("self-signed certificate") ||
        says("self signed certificate"))
        return " (give the certificate authority's file as `tls: {ca}`)";
    if (says("no alternative certificate subject name")) return " (connect by a name that its certificate holds)";
    return "";
}

}  // namespace

void set_options(HttpTransfer& transfer, const HttpFetcherOptions& options) {
    CURL* easy = transfer.easy.get();
    const FetchRequest& request = transfer.request;
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // A name server that does not answer: without this curl waits, on the one I/O thread, for the thread that asks it.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY,
                     "");  // Watched systems are reached directly, whatever the environment says.
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16'384L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
    send_at_most_once(easy, request.method);
    set_answer(transfer);
    if (transfer.access != nullptr) set_access(easy, *transfer.access, transfer.secret);
    set_body(transfer);
    set_headers(transfer);
}

long status_of(const HttpTransfer& transfer) {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

FetchReply take_reply(HttpTransfer& transfer) {
    keep_tail(transfer, 0);
    CURL* easy = transfer.easy.get();
    const char* type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    transfer.reply.status = static_cast<int>(status_of(transfer));
    transfer.reply.content_type = type != nullptr ? type : "";
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
    transfer.reply.took = Duration{static_cast<Duration::rep>(microseconds / 1000)};
    return std::move(transfer.reply);
}

Error error_of(const HttpTransfer& transfer, CURLcode code) {
    std::string why = transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code);
    why += hint(why);
    if (transfer.too_long)
        return {ErrorCode::invalid, fmt::format("{}: the answer is longer than {} bytes",
                                                shown_url(transfer.request.url), transfer.request.body_bytes_max)};
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return {ErrorCode::invalid, fmt::format("{}: {}", shown_url(transfer.request.url), why)};
    // A time-out while connecting is told apart by what was sent.
    long sent = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_REQUEST_SIZE, &sent);
    const bool unseen = never_arrived(code) || (code == CURLE_OPERATION_TIMEDOUT && sent == 0);
    return {unseen ? ErrorCode::unavailable : ErrorCode::outcome_unknown,
            fmt::format("{}: {}", shown_url(transfer.request.url), why)};
}

}  // namespace medic
