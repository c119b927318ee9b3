#include "edge/worker/output.hpp"

namespace tidemark::worker
{
namespace
{
uv_buf_t buffer_of(const char* data, std::size_t bytes) noexcept
{
    uv_buf_t buffer;
    buffer.base = const_cast<char*>(data);
    buffer.len = bytes;
    return buffer;
}
} // namespace

const std::vector<uv_buf_t>& Output::buffers()
{
    buffers_.clear();
    for (const Piece& piece : pieces_)
        buffers_.push_back(buffer_of(
            piece.data == nullptr ? text_.data() + piece.offset : piece.data, piece.bytes));
    return buffers_;
}

void Output::append(Output&& other)
{
    for (const Piece& piece : other.pieces_) {
        if (piece.data == nullptr)
            text(std::string_view(other.text_).substr(piece.offset, piece.bytes));
        else {
            pieces_.push_back(piece);
            bytes_ += piece.bytes;
        }
    }
    for (store::ChunkRef& chunk : other.chunks_)
        chunks_.push_back(std::move(chunk));
    other.clear();
}

HeldOutput::HeldOutput(Output& output, std::size_t sent) : chunks_(std::move(output.chunks_))
{
    output.chunks_.clear();
    std::size_t text_bytes = 0;
    for (const Output::Piece& piece : output.pieces_)
        if (piece.data == nullptr) text_bytes += piece.bytes;
    text_.reserve(text_bytes); // views into it stay
    const store::StoredResponse* held = nullptr;
    for (const Output::Piece& piece : output.pieces_) {
        if (sent >= piece.bytes) {
            sent -= piece.bytes;
            continue;
        }
        const std::size_t rest = piece.bytes - sent;
        if (piece.data == nullptr) {
            const std::size_t at = text_.size();
            text_.append(output.text_, piece.offset + sent, rest);
            buffers_.push_back(buffer_of(text_.data() + at, rest));
        } else {
            if (piece.record != nullptr && piece.record != held) {
                records_.push_back(store::ref(*piece.record));
                held = piece.record;
            }
            buffers_.push_back(buffer_of(piece.data + sent, rest));
        }
        sent = 0;
    }
}
} // namespace tidemark::worker
