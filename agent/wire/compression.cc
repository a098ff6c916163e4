#include "agent/wire/compression.h"

#include <libdeflate.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace medic::wire {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kFirstBytes = 64 * 1024;  // Output buffers start at least this big and double.

template <auto destroy>
struct Destroy {
    template <class T>
    void operator()(T* object) const {
        destroy(object);
    }
};

std::unexpected<Error> too_big(Compression compression, std::size_t bytes_max) {
    return fail(ErrorCode::invalid, "{} data unpacks to more than {} bytes", to_string(compression), bytes_max);
}

std::unexpected<Error> corrupt(Compression compression, std::string_view detail) {
    return fail(ErrorCode::invalid, "corrupt {} data: {}", to_string(compression), detail);
}

// Room for more output: false when the limit is reached.
bool grow(Bytes& out, std::size_t bytes_max) {
    if (out.size() >= bytes_max) return false;
    out.resize(std::min(bytes_max, std::max(kFirstBytes, out.size() * 2)));
    return true;
}

Status gunzip(BytesView in, Bytes& out, std::size_t bytes_max) {
    if (in.empty()) return corrupt(Compression::gzip, "empty");
    static thread_local const std::unique_ptr<libdeflate_decompressor, Destroy<libdeflate_free_decompressor>> context(
        libdeflate_alloc_decompressor());
    if (!context) return fail(ErrorCode::unavailable, "out of memory for gzip");
    std::size_t done = 0;
    while (!in.empty()) {  // A stream may have several members.
        std::size_t used = 0, made = 0;
        const libdeflate_result result = libdeflate_gzip_decompress_ex(
            context.get(), in.data(), in.size(), out.data() + done, out.size() - done, &used, &made);
        if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
            if (!grow(out, bytes_max)) return too_big(Compression::gzip, bytes_max);
            continue;
        }
        if (result != LIBDEFLATE_SUCCESS) return corrupt(Compression::gzip, "not a whole gzip member");
        in.remove_prefix(used);
        done += made;
    }
    out.resize(done);
    return {};
}

Status unsnap_block(BytesView in, Bytes& out, std::size_t bytes_max) {
    std::size_t size = 0;
    if (snappy_uncompressed_length(in.data(), in.size(), &size) != SNAPPY_OK)
        return corrupt(Compression::snappy, "no length");
    // A snappy element of three bytes makes at most 64: a longer claim is a lie.
    if (size > in.size() * 32) return corrupt(Compression::snappy, "impossible length");
    if (size > bytes_max - std::min(bytes_max, out.size())) return too_big(Compression::snappy, bytes_max);
    const std::size_t at = out.size();
    out.resize(at + size);
    if (snappy_uncompress(in.data(), in.size(), out.data() + at, &size) != SNAPPY_OK)
        return corrupt(Compression::snappy, "bad block");
    return {};
}

// Java's SnappyOutputStream (xerial): a magic, two version numbers, then blocks with four-byte lengths.
Status unsnap(BytesView in, Bytes& out, std::size_t bytes_max) {
    constexpr auto kMagic = "\x82SNAPPY\0"sv;
    if (!in.starts_with(kMagic)) return unsnap_block(in, out, bytes_max);
    Reader reader(in.substr(kMagic.size()));
    reader.int32();  // Version.
    reader.int32();  // Lowest compatible version.
    while (reader.ok() && reader.remaining() > 0) {
        const std::int32_t size = reader.int32();
        const BytesView block = reader.take(size < 0 ? SIZE_MAX : static_cast<std::size_t>(size));
        if (reader.ok()) MEDIC_CHECK(unsnap_block(block, out, bytes_max));
    }
    if (!reader.ok()) return corrupt(Compression::snappy, reader.status().error().message);
    return {};
}

Status unlz4(BytesView in, Bytes& out, std::size_t bytes_max) {
    static thread_local const auto context = [] {
        LZ4F_dctx* made = nullptr;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) made = nullptr;
        return std::unique_ptr<LZ4F_dctx, Destroy<LZ4F_freeDecompressionContext>>(made);
    }();
    if (!context) return fail(ErrorCode::unavailable, "out of memory for lz4");
    LZ4F_resetDecompressionContext(context.get());
    std::size_t done = 0, hint = 1;
    while (hint != 0) {
        if (done == out.size() && !grow(out, bytes_max)) return too_big(Compression::lz4, bytes_max);
        std::size_t made = out.size() - done, used = in.size();
        hint = LZ4F_decompress(context.get(), out.data() + done, &made, in.data(), &used, nullptr);
        if (LZ4F_isError(hint)) return corrupt(Compression::lz4, LZ4F_getErrorName(hint));
        in.remove_prefix(used);
        done += made;
        if (hint != 0 && used == 0 && made == 0) return corrupt(Compression::lz4, "frame ends early");
    }
    out.resize(done);
    return {};
}

Status unzstd(BytesView in, Bytes& out, std::size_t bytes_max) {
    static thread_local const std::unique_ptr<ZSTD_DCtx, Destroy<ZSTD_freeDCtx>> context(ZSTD_createDCtx());
    if (!context) return fail(ErrorCode::unavailable, "out of memory for zstd");
    ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    std::size_t done = 0, hint = 1;
    while (hint != 0) {
        if (done == out.size() && !grow(out, bytes_max)) return too_big(Compression::zstd, bytes_max);
        ZSTD_outBuffer output{out.data() + done, out.size() - done, 0};
        const std::size_t before = input.pos;
        hint = ZSTD_decompressStream(context.get(), &output, &input);
        if (ZSTD_isError(hint)) return corrupt(Compression::zstd, ZSTD_getErrorName(hint));
        done += output.pos;
        if (hint != 0 && input.pos == before && output.pos == 0) return corrupt(Compression::zstd, "frame ends early");
    }
    out.resize(done);
    return {};
}

}  // namespace

std::string_view to_string(Compression compression) {
    switch (compression) {
        case Compression::none: return "uncompressed";
        case Compression::gzip: return "gzip";
        case Compression::snappy: return "snappy";
        case Compression::lz4: return "lz4";
        case Compression::zstd: return "zstd";
    }
    return "unknown compression";
}

Status decompress(Compression compression, BytesView in, Bytes& out, std::size_t bytes_max) {
    out.clear();
    switch (compression) {
        case Compression::none:
            if (in.size() > bytes_max) return too_big(compression, bytes_max);
            out.assign(in);
            return {};
        case Compression::gzip: return gunzip(in, out, bytes_max);
        case Compression::snappy: return unsnap(in, out, bytes_max);
        case Compression::lz4: return unlz4(in, out, bytes_max);
        case Compression::zstd: return unzstd(in, out, bytes_max);
    }
    return fail(ErrorCode::invalid, "compression {}: expected 0–4", static_cast<int>(compression));
}

Status compress(Compression compression, BytesView in, Bytes& out) {
    const std::size_t at = out.size();
    if (compression == Compression::none) {
        out.append(in);
    } else if (compression == Compression::lz4) {
        out.resize(at + LZ4F_compressFrameBound(in.size(), nullptr));
        const std::size_t size = LZ4F_compressFrame(out.data() + at, out.size() - at, in.data(), in.size(), nullptr);
        if (LZ4F_isError(size)) return fail(ErrorCode::internal, "lz4: {}", LZ4F_getErrorName(size));
        out.resize(at + size);
    } else if (compression == Compression::zstd) {
        constexpr int kLevel = 3;  // Kafka's default: compression.zstd.level
        static thread_local const std::unique_ptr<ZSTD_CCtx, Destroy<ZSTD_freeCCtx>> context(ZSTD_createCCtx());
        if (!context) return fail(ErrorCode::unavailable, "out of memory for zstd");
        out.resize(at + ZSTD_compressBound(in.size()));
        const std::size_t size =
            ZSTD_compressCCtx(context.get(), out.data() + at, out.size() - at, in.data(), in.size(), kLevel);
        if (ZSTD_isError(size)) return fail(ErrorCode::internal, "zstd: {}", ZSTD_getErrorName(size));
        out.resize(at + size);
    } else {
        return fail(ErrorCode::invalid, "{} is only read here, not written: use lz4 or zstd", to_string(compression));
    }
    return {};
}

}  // namespace medic::wire
