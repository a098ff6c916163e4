// Links by which a person says from a message whether a diagnosis was right. A link is signed (HMAC-SHA256), names to
// whom it was given and until when it holds, and can do nothing but note that one verdict. Opening it shows a page;
// only its button (POST) notes anything, so that mail scanners and previews do no harm.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/world/real/http_server.h"

namespace medic {

struct VerdictClaim {
    std::string incident;
    bool right = true;
    std::string given_to;  // The receiver of the message that held the link.
    WallTime until;
};

class VerdictLinks {
public:
    VerdictLinks() = default;  // No links.
    explicit VerdictLinks(std::string key) : key_(std::move(key)) {}
    // The key stands in `path` (mode 600); it is made there at the first start.
    [[nodiscard]] static Result<VerdictLinks> open(const std::string& path);

    [[nodiscard]] bool usable() const { return !key_.empty(); }
    [[nodiscard]] std::string path(const VerdictClaim& claim) const;  // "/verdict/I17/right?…"
    // invalid: not signed by us, changed on the way, or too old.
    [[nodiscard]] Result<VerdictClaim> check(const HttpRequest& request, WallTime now) const;

private:
    [[nodiscard]] std::string sign(const VerdictClaim& claim) const;
    std::string key_;
};

[[nodiscard]] bool is_verdict_path(std::string_view path);
// The page that asks, and the page that thanks; both hold no script and load nothing.
[[nodiscard]] HttpResponse verdict_question(const VerdictClaim& claim);
[[nodiscard]] HttpResponse verdict_noted(const VerdictClaim& claim);
[[nodiscard]] HttpResponse verdict_refused(int status, std::string_view why);
// The `reason` that the page's form has sent; "" without one.
[[nodiscard]] std::string verdict_reason(const HttpRequest& request);

}  // namespace medic
