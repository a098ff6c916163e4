// Frames as Node, Ruby, PHP, Elixir, Go and native debuggers print them. Helpers of trace.cc only; each is linear in
// the line's length and takes nothing that is not a frame of its language.
#pragma once

#include <optional>
#include <string_view>

#include "classifiers/diagnosis/trace/lines.h"
#include "classifiers/diagnosis/trace/owner.h"

namespace medic::trace {

// "at async Broker.connect (/app/node_modules/x/index.js:1:2)", "at /app/x.js:1:2"; also Mono's "at A.B.C (args) …".
[[nodiscard]] std::optional<FrameLine> parse_script_frame(std::string_view trimmed);
// The form without brackets alone: a Java frame is never like it.
[[nodiscard]] std::optional<FrameLine> parse_bare_script_frame(std::string_view trimmed);

// "from gems/rdkafka-0.8.1/lib/rdkafka/config.rb:9:in `poll'"; the first may go on ": message (Type)".
struct RubyFrame {
    FrameLine frame;
    std::optional<Header> header;
};
[[nodiscard]] std::optional<RubyFrame> parse_ruby_frame(std::string_view trimmed);

// "(brod 3.16.1) src/brod_client.erl:391: :brod_client.handle_call/3", "lib/jobs/consumer.ex:30: Jobs.Consumer.run/1".
[[nodiscard]] std::optional<FrameLine> parse_elixir_frame(std::string_view trimmed);
// "** (FunctionClauseError) no function clause matching in …".
[[nodiscard]] std::optional<Header> parse_elixir_header(std::string_view trimmed);

// "github.com/acme/jobs/consume.(*Handler).Consume(0xc0001, …)", "created by main.main"; its file is the next line.
[[nodiscard]] std::optional<FrameLine> parse_go_frame(std::string_view trimmed);
// "/go/pkg/mod/github.com/x/y@v1.2.3/z.go:41 +0x1d".
[[nodiscard]] bool is_go_location(std::string_view trimmed);
// "panic: …", "fatal error: …".
[[nodiscard]] std::optional<Header> parse_go_header(std::string_view trimmed);

// "#4  0x0000 in rd_kafka_poll (rk=0x1) at rdkafka.c:12"; PHP's "#0 /app/Handler.php(21): Acme\Handler->run()".
[[nodiscard]] std::optional<FrameLine> parse_numbered_frame(std::string_view trimmed);

// Whose code a frame of these languages is; nullopt where the location is none of theirs.
[[nodiscard]] std::optional<FrameOwner> language_owner(std::string_view function, std::string_view location);

}  // namespace medic::trace
