#include "agent/api/verdict_links.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "agent/base/url.h"
#include "agent/world/real/random.h"

namespace medic {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t reason_bytes_max = 1'000;

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

HttpResponse html(int status, std::string_view title, std::string_view body) {
    HttpResponse page{.status = status, .body = "", .content_type = "text/html; charset=utf-8", .headers = {}};
    page.body = fmt::format(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>{}</title></head><body><h1>{}</h1>{}</body></html>\n",
        escaped(title), escaped(title), body);
    page.headers = {{"Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"},
                    {"Referrer-Policy", "no-referrer"},
                    {"Cache-Control", "no-store"},
                    {"X-Content-Type-Options", "nosniff"}};
    return page;
}

}  // namespace

Result<VerdictLinks> VerdictLinks::open(const std::string& path) {
    std::string key;
    if (std::ifstream in(path, std::ios::binary); in) {
        std::getline(in, key);
        if (key.size() != key_bytes * 2)
            return fail(ErrorCode::invalid, "{}: expected {} hexadecimal digits; remove it to get a new key", path,
                        key_bytes * 2);
        return VerdictLinks(std::move(key));
    }
    MEDIC_TRY(const std::string bytes, random_bytes(key_bytes));
    key = hex(bytes);
    MEDIC_CHECK(write_private_file(path, key + "\n"));
    return VerdictLinks(std::move(key));
}

std::string VerdictLinks::sign(const VerdictClaim& claim) const {
    const std::string text = fmt::format("verdict\n{}\n{}\n{}\n{}", claim.incident, claim.right ? "right" : "wrong",
                                         claim.given_to, claim.until.unix_ms / 1000);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), digest, &size);
    return hex({reinterpret_cast<const char*>(digest), size});
}

std::string VerdictLinks::path(const VerdictClaim& claim) const {
    return fmt::format("/verdict/{}/{}?to={}&until={}&sig={}", url_encode(claim.incident),
                       claim.right ? "right" : "wrong", url_encode(claim.given_to), claim.until.unix_ms / 1000,
                       sign(claim));
}

Result<VerdictClaim> VerdictLinks::check(const HttpRequest& request, WallTime now) const {
    constexpr const char* not_ours = "this link was not made by this agent, or was changed on the way";
    if (!usable() || request.segments.size() != 3) return fail(ErrorCode::invalid, "{}", not_ours);
    const std::string& verdict = request.segments[2];
    const std::string until(request.query_value("until").value_or(""));
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(until.data(), until.data() + until.size(), seconds);
    if ((verdict != "right" && verdict != "wrong") || error != std::errc() || end != until.data() + until.size() ||
        seconds < 0 || seconds > 253'402'300'799)  // The end of the year 9999.
        return fail(ErrorCode::invalid, "{}", not_ours);
    VerdictClaim claim{.incident = request.segments[1],
                       .right = verdict == "right",
                       .given_to = std::string(request.query_value("to").value_or("")),
                       .until = {seconds * 1000}};
    const std::string expected = sign(claim), given(request.query_value("sig").value_or(""));
    if (given.size() != expected.size() || CRYPTO_memcmp(given.data(), expected.data(), expected.size()) != 0)
        return fail(ErrorCode::invalid, "{}", not_ours);
    if (now > claim.until)
        return fail(ErrorCode::invalid, "this link is too old; use `medic incidents verdict {} right|wrong`",
                    claim.incident);
    return claim;
}

bool is_verdict_path(std::string_view path) { return path.starts_with("/verdict/"); }

HttpResponse verdict_question(const VerdictClaim& claim) {
    const std::string word = claim.right ? "right" : "wrong";
    return html(200, fmt::format("Incident {}: was the diagnosis {}?", claim.incident, word),
                fmt::format("<form method=\"post\"><p><label>Why (the journal keeps it): <input name=\"reason\" "
                            "maxlength=\"{}\" size=\"60\"></label></p><p><button>Note it as {}</button></p></form>",
                            reason_bytes_max, word));
}

HttpResponse verdict_noted(const VerdictClaim& claim) {
    return html(200, fmt::format("Incident {}: noted as {}", claim.incident, claim.right ? "right" : "wrong"),
                "<p>Thank you. A later verdict replaces this one.</p>");
}

HttpResponse verdict_refused(int status, std::string_view why) {
    return html(status, "Not noted", "<p>" + escaped(why) + "</p>");
}

std::string verdict_reason(const HttpRequest& request) {
    std::string_view rest = request.body;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        if (!pair.starts_with("reason=")) continue;
        return url_decode(pair.substr(7), UrlPart::query).value_or("").substr(0, reason_bytes_max);
    }
    return "";
}

}  // namespace medic
