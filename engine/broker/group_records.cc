#include "engine/broker/group_records.h"

#include <algorithm>

#include "agent/wire/bytes.h"

namespace medic::engine::broker {
namespace {

constexpr std::int16_t offset_key_version = 1;
constexpr std::int16_t group_key_version = 2;
constexpr std::int16_t value_version = 3;

void put_string(wire::Writer& writer, std::string_view text) {
    writer.int16(static_cast<std::int16_t>(text.size()));
    writer.raw(text);
}

void put_optional(wire::Writer& writer, const std::optional<std::string>& text) {
    if (text) return put_string(writer, *text);
    writer.int16(-1);
}

void put_bytes(wire::Writer& writer, std::string_view bytes) {
    writer.int32(static_cast<std::int32_t>(bytes.size()));
    writer.raw(bytes);
}

std::optional<std::string> get_optional(wire::Reader& reader) {
    const std::int16_t size = reader.int16();
    if (size < 0) return std::nullopt;
    return std::string(reader.take(static_cast<std::size_t>(size)));
}

std::string get_string(wire::Reader& reader) { return get_optional(reader).value_or(""); }

std::string get_bytes(wire::Reader& reader) {
    const std::int32_t size = reader.int32();
    return size <= 0 ? std::string() : std::string(reader.take(static_cast<std::size_t>(size)));
}

}  // namespace

std::string encode_key(const OffsetKey& key) {
    std::string out;
    wire::Writer writer(out);
    writer.int16(offset_key_version);
    put_string(writer, key.group);
    put_string(writer, key.partition.topic);
    writer.int32(key.partition.partition);
    return out;
}

std::string encode_key(const GroupKey& key) {
    std::string out;
    wire::Writer writer(out);
    writer.int16(group_key_version);
    put_string(writer, key.group);
    return out;
}

std::string encode_value(const CommittedOffset& offset) {
    std::string out;
    wire::Writer writer(out);
    writer.int16(value_version);
    writer.int64(offset.offset);
    writer.int32(offset.leader_epoch);
    put_string(writer, offset.metadata);
    writer.int64(offset.commit_ms);
    return out;
}

std::string encode_value(const Group::Stored& group, std::int64_t wall_ms) {
    std::string out;
    wire::Writer writer(out);
    writer.int16(value_version);
    put_string(writer, group.protocol_type);
    writer.int32(group.generation);
    put_optional(writer, group.protocol.empty() ? std::nullopt : std::optional(group.protocol));
    put_optional(writer, group.leader.empty() ? std::nullopt : std::optional(group.leader));
    writer.int64(wall_ms);
    writer.int32(static_cast<std::int32_t>(group.members.size()));
    for (const auto& member : group.members) {
        put_string(writer, member.id);
        put_optional(writer, member.instance_id);
        put_string(writer, member.client_id);
        put_string(writer, member.client_host);
        writer.int32(static_cast<std::int32_t>(member.rebalance_timeout.count()));
        writer.int32(static_cast<std::int32_t>(member.session_timeout.count()));
        const auto chosen = std::ranges::find(member.protocols, group.protocol, &GroupProtocol::name);
        put_bytes(writer, chosen == member.protocols.end() ? std::string_view() : std::string_view(chosen->metadata));
        put_bytes(writer, member.assignment);
    }
    return out;
}

Result<GroupRecordKey> decode_key(std::string_view bytes) {
    wire::Reader reader(bytes);
    const std::int16_t version = reader.int16();
    if (version == group_key_version) {
        GroupKey key{get_string(reader)};
        MEDIC_CHECK(reader.status());
        return key;
    }
    if (version != 0 && version != offset_key_version)
        return fail(ErrorCode::invalid, "group record key version {}", version);
    OffsetKey key;
    key.group = get_string(reader);
    key.partition.topic = get_string(reader);
    key.partition.partition = reader.int32();
    MEDIC_CHECK(reader.status());
    return key;
}

Result<CommittedOffset> decode_offset(std::string_view bytes) {
    wire::Reader reader(bytes);
    if (const auto version = reader.int16(); version != value_version)
        return fail(ErrorCode::invalid, "offset record version {}", version);
    CommittedOffset offset;
    offset.offset = reader.int64();
    offset.leader_epoch = reader.int32();
    offset.metadata = get_string(reader);
    offset.commit_ms = reader.int64();
    MEDIC_CHECK(reader.status());
    return offset;
}

Result<Group::Stored> decode_group(std::string_view bytes) {
    wire::Reader reader(bytes);
    if (const auto version = reader.int16(); version != value_version)
        return fail(ErrorCode::invalid, "group record version {}", version);
    Group::Stored group;
    group.protocol_type = get_string(reader);
    group.generation = reader.int32();
    group.protocol = get_string(reader);
    group.leader = get_string(reader);
    reader.int64();  // When it entered its state.
    for (std::int32_t left = reader.int32(); left > 0 && reader.ok(); --left) {
        Group::Member member;
        member.id = get_string(reader);
        member.instance_id = get_optional(reader);
        member.client_id = get_string(reader);
        member.client_host = get_string(reader);
        member.rebalance_timeout = Duration(reader.int32());
        member.session_timeout = Duration(reader.int32());
        member.protocols.push_back({group.protocol, get_bytes(reader)});
        member.assignment = get_bytes(reader);
        group.members.push_back(std::move(member));
    }
    MEDIC_CHECK(reader.status());
    return group;
}

std::int32_t coordinator_partition(std::string_view group, std::int32_t partitions) {
    std::uint32_t hash = 0;  // Group ids are ASCII in practice: a byte is a UTF-16 unit.
    for (const char c : group) hash = hash * 31 + static_cast<std::uint8_t>(c);
    return static_cast<std::int32_t>((hash & 0x7FFF'FFFFu) % static_cast<std::uint32_t>(partitions));
}

}  // namespace medic::engine::broker
