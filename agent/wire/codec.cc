#include "agent/wire/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace medic::wire {
namespace {

constexpr std::size_t kStringMax = std::numeric_limits<std::int16_t>::max();  // In flexible versions too.

}  // namespace

// --- Encoder --------------------------------------------------------------------------------------------------------

Status Encoder::status() const {
    if (error_.empty()) return {};
    return fail(ErrorCode::invalid, "{}", error_);
}

void Encoder::on(bool& field) { out().int8(field ? 1 : 0); }
void Encoder::on(std::int8_t& field) { out().int8(field); }
void Encoder::on(std::int16_t& field) { out().int16(field); }
void Encoder::on(std::uint16_t& field) { out().uint16(field); }
void Encoder::on(std::int32_t& field) { out().int32(field); }
void Encoder::on(std::int64_t& field) { out().int64(field); }
void Encoder::on(double& field) { out().int64(std::bit_cast<std::int64_t>(field)); }
void Encoder::on(Uuid& field) { out().uuid(field); }
void Encoder::on(std::string& field) { string(field); }

void Encoder::string(BytesView text) {
    if (text.size() > kStringMax) {
        if (error_.empty()) error_ = fmt::format("string of {} bytes: at most {} fit", text.size(), kStringMax);
        return;
    }
    if (flexible())
        out().uvarint(static_cast<std::uint32_t>(text.size() + 1));
    else
        out().int16(static_cast<std::int16_t>(text.size()));
    out().raw(text);
}

void Encoder::on(std::optional<std::string>& field, bool null_allowed) {
    if (field) {
        string(*field);
    } else if (!null_allowed) {
        if (error_.empty()) error_ = fmt::format("null string: version {} needs a value", version());
    } else if (flexible()) {
        out().uvarint(0);
    } else {
        out().int16(-1);
    }
}

void Encoder::long_bytes(BytesView bytes) {
    if (bytes.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        if (error_.empty())
            error_ = fmt::format("{} bytes in one field: more than the protocol can carry", bytes.size());
        return;
    }
    if (flexible())
        out().uvarint(static_cast<std::uint32_t>(bytes.size() + 1));
    else
        out().int32(static_cast<std::int32_t>(bytes.size()));
    out().raw(bytes);
}

void Encoder::null_bytes() {
    if (flexible())
        out().uvarint(0);
    else
        out().int32(-1);
}

void Encoder::on_bytes(Bytes& field) { long_bytes(field); }

void Encoder::on_nullable_bytes(std::optional<Bytes>& field) {
    if (field)
        long_bytes(*field);
    else
        null_bytes();
}

void Encoder::on_records(std::optional<BytesView>& field) {
    if (field)
        long_bytes(*field);
    else
        null_bytes();
}

std::int64_t Encoder::on_array(std::int64_t length, std::size_t, bool null_allowed) {
    if (length == kNull && !null_allowed && error_.empty())
        error_ = fmt::format("null array: version {} needs a value", version());
    if (flexible())
        out().uvarint(static_cast<std::uint32_t>(length + 1));
    else
        out().int32(static_cast<std::int32_t>(length));
    return length;
}

bool Encoder::begin_tag(std::uint32_t, bool present, TagScope& scope) {
    if (present)
        std::swap(*out_, scope.encoded);  // The field's bytes go into an empty buffer first: their size precedes them.
    return present;
}

void Encoder::end_tag(std::uint32_t tag, TagScope& scope) {
    std::swap(*out_, scope.encoded);
    Writer section(tags_->encoded);
    section.uvarint(tag);
    section.uvarint(static_cast<std::uint32_t>(scope.encoded.size()));
    section.raw(scope.encoded);
    ++tags_->count;
}

void Encoder::end_structure() {
    out().uvarint(tags_->count);
    out().raw(tags_->encoded);
}

void Encoder::on_lost(const Versions& versions) {
    if (!error_.empty()) return;
    error_ = versions.last == std::numeric_limits<std::int16_t>::max()
                 ? fmt::format("version {} can't say what one of its fields says: that takes version {} or later",
                               version(), versions.first)
                 : fmt::format("version {} can't say what one of its fields says: that takes version {} to {}",
                               version(), versions.first, versions.last);
}

// --- Decoder --------------------------------------------------------------------------------------------------------

Status Decoder::finish() {
    if (in_.ok() && in_.remaining() > 0) in_.fail(fmt::format("{} bytes left after the last field", in_.remaining()));
    return in_.status();
}

void Decoder::on(bool& field) { field = in_.int8() != 0; }
void Decoder::on(std::int8_t& field) { field = in_.int8(); }
void Decoder::on(std::int16_t& field) { field = in_.int16(); }
void Decoder::on(std::uint16_t& field) { field = in_.uint16(); }
void Decoder::on(std::int32_t& field) { field = in_.int32(); }
void Decoder::on(std::int64_t& field) { field = in_.int64(); }
// NaN is no value that anybody could use: such a message is broken.
void Decoder::on(double& field) {
    field = std::bit_cast<double>(in_.int64());
    if (std::isnan(field)) in_.fail("a number that is none (NaN)");
}
void Decoder::on(Uuid& field) { field = in_.uuid(); }

std::int64_t Decoder::length(Width width) {
    if (flexible()) return static_cast<std::int64_t>(in_.uvarint()) - 1;
    const std::int64_t found = width == Width::two_bytes ? in_.int16() : in_.int32();
    if (found < kNull) in_.fail(fmt::format("negative length {}", found));
    return in_.ok() ? found : kNull;
}

std::optional<BytesView> Decoder::slice(Width width) {
    const std::int64_t size = length(width);
    if (size == kNull) return std::nullopt;
    if (width == Width::two_bytes && static_cast<std::size_t>(size) > kStringMax)
        in_.fail(fmt::format("string of {} bytes: at most {} fit", size, kStringMax));
    return in_.take(static_cast<std::size_t>(size));
}

void Decoder::spend(std::size_t bytes) {
    if (bytes <= budget_bytes_) {
        budget_bytes_ -= bytes;
    } else {
        in_.fail("the message takes more memory than a reader allows");
        budget_bytes_ = 0;
    }
}

void Decoder::copy(BytesView from, std::string& to) {
    spend(from.size());
    if (in_.ok()) to.assign(from);
}

void Decoder::on(std::string& field) {
    if (const auto text = slice(Width::two_bytes))
        copy(*text, field);
    else
        in_.fail("null string where a value is needed");
}

void Decoder::on(std::optional<std::string>& field, bool null_allowed) {
    const auto text = slice(Width::two_bytes);
    if (text)
        copy(*text, field.emplace());
    else if (!null_allowed)
        in_.fail("null string where a value is needed");
    else
        field.reset();
}

void Decoder::on_bytes(Bytes& field) {
    if (const auto bytes = slice(Width::four_bytes))
        copy(*bytes, field);
    else
        in_.fail("null bytes where a value is needed");
}

void Decoder::on_nullable_bytes(std::optional<Bytes>& field) {
    if (const auto bytes = slice(Width::four_bytes))
        copy(*bytes, field.emplace());
    else
        field.reset();
}

void Decoder::on_records(std::optional<BytesView>& field) { field = slice(Width::four_bytes); }

std::int64_t Decoder::on_array(std::int64_t, std::size_t element_bytes, bool null_allowed) {
    const std::int64_t count = length(Width::four_bytes);
    if (!in_.ok()) return 0;
    if (count == kNull) {
        if (!null_allowed) in_.fail("null array where a value is needed");
        return null_allowed ? kNull : 0;
    }
    // Every element takes at least one byte, so a count above the rest is a lie.
    if (static_cast<std::size_t>(count) > in_.remaining()) {
        in_.fail(fmt::format("array of {} elements, but only {} bytes left", count, in_.remaining()));
        return 0;
    }
    spend(static_cast<std::size_t>(count) * element_bytes);
    return in_.ok() ? count : 0;
}

void Decoder::open_tags() {
    if (std::exchange(tags_->opened, true)) return;
    std::int64_t previous = -1;
    for (std::uint32_t left = in_.uvarint(); left > 0 && in_.ok(); --left) {
        const std::uint32_t tag = in_.uvarint();
        const std::uint32_t size = in_.uvarint();
        const BytesView body = in_.take(size);
        if (in_.ok() && static_cast<std::int64_t>(tag) <= previous)
            in_.fail(fmt::format("tagged field {} after {}: tags must ascend", tag, previous));
        previous = tag;
        spend(sizeof(std::pair<std::uint32_t, BytesView>));
        if (in_.ok()) tags_->read.emplace_back(tag, body);
    }
}

bool Decoder::begin_tag(std::uint32_t tag, bool, TagScope& scope) {
    open_tags();
    const auto found = std::ranges::find(tags_->read, tag, &std::pair<std::uint32_t, BytesView>::first);
    if (!in_.ok() || found == tags_->read.end()) return false;
    scope.reader = std::exchange(in_, Reader(found->second));
    return true;
}

void Decoder::end_tag(std::uint32_t tag, TagScope& scope) {
    if (in_.ok() && in_.remaining() > 0) in_.fail(fmt::format("{} bytes left in it", in_.remaining()));
    const Status inner = in_.status();
    in_ = *std::move(scope.reader);
    if (!inner) in_.fail(fmt::format("in tagged field {}: {}", tag, inner.error().message));
}

void Decoder::end_structure() { open_tags(); }

}  // namespace medic::wire
