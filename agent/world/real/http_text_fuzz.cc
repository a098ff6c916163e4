// Any bytes as what comes over HTTP as text or is typed as an address: no crash, and what is decoded encodes back.
#include <cstdint>
#include <cstdlib>

#include "agent/base/url.h"
#include "agent/world/real/http_server.h"
#include "agent/world/real/kafka_connection.h"
#include "agent/world/real/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto part : {UrlPart::path, UrlPart::query}) {
        const auto decoded = url_decode(text, part);
        if (decoded && url_decode(url_encode(*decoded), part) != decoded) std::abort();
    }
    (void)parse_endpoint(text);
    (void)shown_url(text);
    HttpRequest request;
    request.headers.emplace_back("content-type", "multipart/form-data; boundary=x");
    request.body = text;
    const auto parts = parse_multipart(request);
    if (parts)
        for (const auto& part : *parts)
            if (part.body.size() > text.size()) std::abort();
    return 0;
}
