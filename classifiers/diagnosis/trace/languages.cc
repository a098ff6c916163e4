#include "classifiers/diagnosis/trace/languages.h"

#include <algorithm>
#include <array>

namespace medic::trace {
namespace {

using namespace std::string_view_literals;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void drop(std::string_view& text, std::string_view start) {
    if (text.starts_with(start)) text.remove_prefix(start.size());
}

// One pass for several file endings: nearly every location is a Java one, which none of them concerns.
bool has_dot_before_one_of(std::string_view text, std::string_view letters) {
    for (std::size_t at = 0; at + 1 < text.size(); ++at)
        if (text[at] == '.' && letters.find(text[at + 1]) != std::string_view::npos) return true;
    return false;
}

bool names_a_script(std::string_view location) {
    return has(location, ".js:") || has(location, ".ts:") || has(location, ".mjs:") || has(location, ".cjs:") ||
           location.starts_with("node:");
}

// Ends ":12" or ":12:5".
bool ends_in_line_number(std::string_view text) {
    const auto colon = text.rfind(':');
    return colon != std::string_view::npos && colon + 1 < text.size() &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(), is_digit);
}

template <std::size_t size>
bool starts_with_one_of(std::string_view text, const std::array<std::string_view, size>& starts) {
    return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return text.starts_with(start); });
}

template <std::size_t size>
bool is_one_of(std::string_view text, const std::array<std::string_view, size>& names) {
    return std::find(names.begin(), names.end(), text) != names.end();
}

// --- Owners
// -----------------------------------------------------------------------------------------------------------

// Where a gem's files lie its name and version come before "/lib/": "…/gems/rdkafka-0.8.1/lib/rdkafka/config.rb".
std::string_view gem_of(std::string_view location) {
    // "karafka-web (0.7.10) lib/karafka/web/app.rb".
    if (const auto open = location.find(" ("); open != std::string_view::npos) return location.substr(0, open);
    const auto lib = location.find("/lib/");
    if (lib == std::string_view::npos) return {};
    const auto slash = location.rfind('/', lib == 0 ? 0 : lib - 1);
    const auto segment =
        slash == std::string_view::npos ? location.substr(0, lib) : location.substr(slash + 1, lib - slash - 1);
    for (std::size_t dash = segment.find('-'); dash != std::string_view::npos; dash = segment.find('-', dash + 1))
        if (dash + 1 < segment.size() && is_digit(segment[dash + 1])) return segment.substr(0, dash);
    return {};
}

FrameOwner ruby_owner(std::string_view location) {
    const auto gem = gem_of(location);
    constexpr std::array clients{"ruby-kafka"sv, "rdkafka"sv, "karafka-rdkafka"sv};
    if (is_one_of(gem, clients)) return FrameOwner::kafka;
    if (!gem.empty() || has(location, "gems/")) return FrameOwner::library;
    return has(location, "/lib/ruby/") || location.starts_with("<internal") ? FrameOwner::jdk : FrameOwner::user;
}

// `location` begins "(app 1.2) " where the language names the application.
FrameOwner elixir_owner(std::string_view location) {
    if (!location.starts_with("(")) return FrameOwner::user;
    const auto app = location.substr(1, location.find_first_of(" )") - 1);
    constexpr std::array clients{"brod"sv, "kafka_protocol"sv, "kafka_ex"sv, "wolff"sv, "erlkaf"sv, "ekaf"sv};
    constexpr std::array own{"stdlib"sv, "elixir"sv, "kernel"sv, "erts"sv,    "ssl"sv,  "crypto"sv,
                             "logger"sv, "mix"sv,    "iex"sv,    "ex_unit"sv, "inets"sv};
    constexpr std::array others{"broadway"sv,      "broadway_kafka"sv,
                                "kaffe"sv,         "elsa"sv,
                                "gen_stage"sv,     "jason"sv,
                                "poison"sv,        "ecto"sv,
                                "ecto_sql"sv,      "postgrex"sv,
                                "phoenix"sv,       "plug"sv,
                                "finch"sv,         "mint"sv,
                                "db_connection"sv, "decimal"sv,
                                "tesla"sv,         "telemetry"sv,
                                "hackney"sv,       "avrora"sv,
                                "oban"sv,          "off_broadway_kafka"sv};
    if (is_one_of(app, clients)) return FrameOwner::kafka;
    if (is_one_of(app, own)) return FrameOwner::jdk;
    return is_one_of(app, others) ? FrameOwner::library : FrameOwner::user;
}

FrameOwner go_owner(std::string_view function, std::string_view location) {
    if (const auto vendor = function.rfind("/vendor/"); vendor != std::string_view::npos)
        function.remove_prefix(vendor + 8);
    constexpr std::array clients{"github.com/IBM/sarama"sv,         "github.com/Shopify/sarama"sv,
                                 "github.com/!i!b!m/sarama"sv,      "github.com/!shopify/sarama"sv,
                                 "gopkg.in/Shopify/sarama"sv,       "github.com/segmentio/kafka-go"sv,
                                 "github.com/twmb/franz-go"sv,      "github.com/confluentinc/confluent-kafka-go"sv,
                                 "github.com/bsm/sarama-cluster"sv, "gopkg.in/confluentinc/confluent-kafka-go"sv,
                                 "github.com/optiopay/kafka"sv};
    if (starts_with_one_of(function, clients)) return FrameOwner::kafka;
    if (function.starts_with("main.")) return FrameOwner::user;
    // The language's own packages have no dot before their first slash, and are known by name without one.
    constexpr std::array own{"runtime."sv, "sync."sv,   "os."sv,      "net."sv,     "io."sv,
                             "fmt."sv,     "bytes."sv,  "bufio."sv,   "time."sv,    "reflect."sv,
                             "context."sv, "errors."sv, "strings."sv, "sort."sv,    "log."sv,
                             "testing."sv, "panic("sv,  "strconv."sv, "syscall."sv, "slices."sv};
    const auto slash = function.find('/');
    const auto first = function.substr(0, slash);
    if (starts_with_one_of(function, own)) return FrameOwner::jdk;
    constexpr std::array own_trees{"net"sv,    "encoding"sv, "internal"sv, "runtime"sv,   "sync"sv,
                                   "crypto"sv, "database"sv, "compress"sv, "container"sv, "hash"sv,
                                   "io"sv,     "os"sv,       "math"sv,     "text"sv,      "go"sv};
    if (slash != std::string_view::npos && is_one_of(first, own_trees)) return FrameOwner::jdk;
    if (has(location, "/pkg/mod/") || has(location, "/vendor/")) return FrameOwner::library;
    // Programs and frameworks that other people run.
    constexpr std::array others{"golang.org/"sv,
                                "google.golang.org/"sv,
                                "go.uber.org/"sv,
                                "go.opentelemetry.io/"sv,
                                "gopkg.in/"sv,
                                "k8s.io/"sv,
                                "sigs.k8s.io/"sv,
                                "knative.dev/"sv,
                                "github.com/prometheus"sv,
                                "github.com/open-telemetry/"sv,
                                "github.com/redpanda-data/"sv,
                                "github.com/grafana/"sv,
                                "github.com/elastic/"sv,
                                "github.com/influxdata/"sv,
                                "github.com/pingcap/"sv,
                                "github.com/kedacore/"sv,
                                "github.com/cloudhut/"sv,
                                "github.com/linkedin/"sv,
                                "github.com/danielqsj/"sv,
                                "github.com/benthosdev/"sv,
                                "github.com/lovoo/goka"sv,
                                "github.com/ThreeDotsLabs/"sv,
                                "github.com/Jeffail/"sv,
                                "github.com/hyperledger/"sv,
                                "github.com/spf13/"sv,
                                "github.com/sirupsen/"sv,
                                "github.com/gin-gonic/"sv,
                                "github.com/confluentinc/"sv,
                                "github.com/linkedin/goavro"sv,
                                "github.com/hamba/"sv,
                                "github.com/riferrei/"sv,
                                "github.com/birdayz/"sv,
                                "github.com/deviceinsight/"sv,
                                "github.com/argoproj/"sv,
                                "github.com/dapr/"sv,
                                "github.com/numaproj/"sv,
                                "github.com/riverqueue/"sv,
                                "github.com/DataDog/"sv,
                                "github.com/jaegertracing/"sv,
                                "github.com/ClickHouse/"sv,
                                "github.com/housepower/"sv,
                                "github.com/banzaicloud/"sv,
                                "github.com/xdg-go/"sv,
                                "github.com/klauspost/"sv,
                                "github.com/pierrec/"sv,
                                "github.com/golang/"sv,
                                "github.com/eapache/"sv,
                                "github.com/goccy/"sv};
    return starts_with_one_of(function, others) ? FrameOwner::library : FrameOwner::user;
}

}  // namespace

// --- Node
// -------------------------------------------------------------------------------------------------------------

std::optional<FrameLine> parse_bare_script_frame(std::string_view trimmed) {
    if (!trimmed.starts_with("at ") || !is_digit(trimmed.back())) return std::nullopt;
    auto text = trim(trimmed.substr(3));
    drop(text, "async ");
    if (has(text, " ") || !names_a_script(text) || !ends_in_line_number(text)) return std::nullopt;
    return FrameLine{"<anonymous>", text};
}

std::optional<FrameLine> parse_script_frame(std::string_view trimmed) {
    if (!trimmed.starts_with("at ")) return std::nullopt;
    auto text = trim(trimmed.substr(3));
    drop(text, "async ");
    drop(text, "new ");
    const auto open = text.find(" (");
    const auto close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
    auto function = text.substr(0, open);
    function = function.substr(0, function.find(" [as "));
    const auto location = text.substr(open + 2, close - open - 2);
    // "at [Source: (String)…; line: 1]": where a parser stood in its text.
    if (function.empty() || function.front() == '[' || has(function, " ")) return std::nullopt;
    if (!has(function, ".") && !has(location, ":")) return std::nullopt;
    return FrameLine{function, location};
}

// --- Ruby
// -------------------------------------------------------------------------------------------------------------

std::optional<RubyFrame> parse_ruby_frame(std::string_view trimmed) {
    // The first such place in the line: a log's prefix may stand before it, and further frames of a list behind it.
    constexpr int places_max = 8;
    std::size_t in = 0;
    std::string_view location;
    for (int place = 0;; ++place, ++in) {
        if (place == places_max) return std::nullopt;
        in = trimmed.find(":in ", in);
        if (in == std::string_view::npos || in + 4 >= trimmed.size()) return std::nullopt;
        if (trimmed[in + 4] != '`' && trimmed[in + 4] != '\'') continue;
        location = trimmed.substr(0, in);
        if (const auto border = location.find_last_of(" \"[(\t"); border != std::string_view::npos) {
            // "gem (1.2) lib/…" keeps its name and version.
            const bool versioned = location[border] == ' ' && border > 1 && location[border - 1] == ')';
            const auto open = versioned ? location.rfind(" (", border) : std::string_view::npos;
            const auto name =
                open == std::string_view::npos || open == 0 ? border : location.find_last_of(' ', open - 1);
            location = location.substr(name == std::string_view::npos ? 0 : name + 1);
        }
        if (has(location, ".rb") || location.starts_with("<internal")) break;
    }
    auto rest = trimmed.substr(in + 5);
    const auto quote = rest.find('\'');
    RubyFrame out{{rest.substr(0, quote), location}, std::nullopt};
    rest = quote == std::string_view::npos ? std::string_view{} : rest.substr(quote + 1);
    if (!rest.starts_with(": ")) return out;
    rest.remove_prefix(2);
    const auto open = rest.rfind('(');
    if (rest.ends_with(")") && open != std::string_view::npos)
        out.header = Header{rest.substr(open + 1, rest.size() - open - 2), trim(rest.substr(0, open))};
    return out;
}

// --- Elixir
// -----------------------------------------------------------------------------------------------------------

std::optional<FrameLine> parse_elixir_frame(std::string_view trimmed) {
    if (!trimmed.starts_with("(") && !trimmed.starts_with("lib/") && !trimmed.starts_with("src/") &&
        !trimmed.starts_with("test/"))
        return std::nullopt;
    auto at = std::string_view::npos;
    for (const auto ending : {".ex:"sv, ".erl:"sv, ".exs:"sv})
        if (const auto found = trimmed.find(ending); found != std::string_view::npos) at = std::min(at, found);
    if (at == std::string_view::npos) return std::nullopt;
    const auto colon = trimmed.find(": ", at);
    if (colon == std::string_view::npos) return std::nullopt;
    auto function = trimmed.substr(colon + 2);
    drop(function, "anonymous fn/");
    return FrameLine{function.substr(0, function.find_first_of("( ")), trimmed.substr(0, colon)};
}

std::optional<Header> parse_elixir_header(std::string_view trimmed) {
    if (!trimmed.starts_with("** (")) return std::nullopt;
    const auto close = trimmed.find(')');
    if (close == std::string_view::npos || close == 4) return std::nullopt;
    auto type = trimmed.substr(4, close - 4);
    type = type.substr(0, type.find(' '));  // "(EXIT from #PID<0.1.0>)".
    return Header{type, trim(trimmed.substr(close + 1))};
}

// --- Go
// ---------------------------------------------------------------------------------------------------------------

std::optional<Header> parse_go_header(std::string_view trimmed) {
    if (trimmed.starts_with("panic: ")) return Header{trimmed.substr(0, 5), trim(trimmed.substr(7))};
    if (trimmed.starts_with("fatal error: ")) return Header{trimmed.substr(0, 5), trim(trimmed.substr(13))};
    return std::nullopt;
}

bool is_go_location(std::string_view trimmed) {
    const auto at = trimmed.find(".go:");
    return at != std::string_view::npos && at + 4 < trimmed.size() && is_digit(trimmed[at + 4]) &&
           !has(trimmed.substr(0, at), " ");
}

std::optional<FrameLine> parse_go_frame(std::string_view trimmed) {
    drop(trimmed, "created by ");
    auto function = trimmed.substr(0, trimmed.find(" in goroutine "));
    // Arguments are the last brackets, receivers the ones after a dot.
    if (function.ends_with(")")) {
        std::size_t depth = 0, open = function.size();
        for (std::size_t i = function.size(); i-- > 0;) {
            if (function[i] == ')') ++depth;
            if (function[i] == '(' && --depth == 0) {
                open = i;
                break;
            }
        }
        function = function.substr(0, open);
    }
    const auto dot = function.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == function.size() || has(function, " ") ||
        has(function, "\"") || has(function, ":"))
        return std::nullopt;
    return FrameLine{function, ".go"};
}

// --- Native debuggers and PHP
// -----------------------------------------------------------------------------------------

std::optional<FrameLine> parse_numbered_frame(std::string_view trimmed) {
    if (trimmed.size() < 4 || trimmed[0] != '#' || !is_digit(trimmed[1])) return std::nullopt;
    auto text = trimmed.substr(1);
    while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
    if (!text.starts_with(" ")) return std::nullopt;
    text = trim(text);
    if (const auto php = text.find(".php("); php != std::string_view::npos) {
        const auto colon = text.find("): ", php);
        if (colon == std::string_view::npos) return std::nullopt;
        const auto function = text.substr(colon + 3);
        return FrameLine{function.substr(0, function.find('(')), text.substr(0, colon + 1)};
    }
    bool certain = false;
    if (text.starts_with("0x")) {
        const auto in = text.find(" in ");
        if (in == std::string_view::npos) return std::nullopt;
        text = text.substr(in + 4);
        certain = true;
    }
    const auto open = text.find(" (");
    const auto close = text.rfind(')');
    if (open == std::string_view::npos || open == 0 || close == std::string_view::npos || close < open ||
        has(text.substr(0, open), " "))
        return std::nullopt;
    auto location = trim(text.substr(close + 1));
    if (!certain && !location.starts_with("at ") && !location.starts_with("from ")) return std::nullopt;
    drop(location, "at ");
    drop(location, "from ");
    return FrameLine{text.substr(0, open), location};
}

// --- Owners of all
// ----------------------------------------------------------------------------------------------------

std::optional<FrameOwner> language_owner(std::string_view function, std::string_view location) {
    const bool told = has_dot_before_one_of(location, "preg");  // ".php", ".rb", ".ex", ".go".
    if (told && has(location, ".php(")) return has(location, "/vendor/") ? FrameOwner::library : FrameOwner::user;
    if ((told && has(location, ".rb")) || location.starts_with("<internal")) return ruby_owner(location);
    if (told && (has(location, ".ex:") || has(location, ".exs:") || has(location, ".erl:")))
        return elixir_owner(location);
    if (told && (location == ".go" || has(location, ".go:"))) return go_owner(function, location);
    constexpr std::array old_node{"events.js:"sv, "net.js:"sv,  "timers.js:"sv,        "module.js:"sv, "domain.js:"sv,
                                  "_stream_"sv,   "_tls_"sv,    "tls.js:"sv,           "fs.js:"sv,     "dns.js:"sv,
                                  "_http_"sv,     "vm.js:"sv,   "buffer.js:"sv,        "util.js:"sv,   "stream.js:"sv,
                                  "crypto.js:"sv, "zlib.js:"sv, "bootstrap_node.js:"sv};
    if (location == "<anonymous>" || location == "native" || location.starts_with("index ") ||
        ((location.starts_with("_") || has(location, ".js:")) && starts_with_one_of(location, old_node)))
        return FrameOwner::jdk;
    if (function.starts_with("rd_kafka_") || function.starts_with("RdKafka::") || has(location, "librdkafka"))
        return FrameOwner::kafka;
    return std::nullopt;
}

}  // namespace medic::trace
