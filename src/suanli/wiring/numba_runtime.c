/*
 * What numba's machine code asks of numba at run time, for code that runs without it: memory that counts its users.
 *
 * The machine code itself counts users in the first word of a block's head, reads where the data is, and asks for the
 * rest by these names; heads look as numba.core.runtime.atomicops expects them. Of a failure (of memory: nothing else
 * in the kernel fails) it would tell Python, and then answer 0. Here there is no Python to be told, and the answer is
 * enough; so what would tell it does nothing.
 */
#include <stddef.h>
#include <stdlib.h>

struct head;
typedef void destructor(void *data, size_t size, void *information);

struct head {
    size_t users;
    destructor *end;
    void *information;
    void *data;
    size_t size;
    void *allocator;
};

void *NRT_Allocate(size_t size)
{
    return malloc(size);
}

void NRT_Free(void *data)
{
    free(data);
}

static struct head *made(struct head *head, void *data, size_t size)
{
    if (head != NULL)
        *head = (struct head){.users = 1, .data = data, .size = size};
    return head;
}

struct head *NRT_MemInfo_alloc(size_t size)
{
    struct head *head = malloc(sizeof *head + size);
    return made(head, head + 1, size);
}

struct head *NRT_MemInfo_alloc_aligned(size_t size, unsigned alignment)
{
    char *head = malloc(sizeof(struct head) + size + alignment);
    size_t odd = ((size_t)head + sizeof(struct head)) % alignment;
    return made((struct head *)head, head + sizeof(struct head) + (odd ? alignment - odd : 0), size);
}

static void end_varying(void *data, size_t size, void *information)
{
    (void)size;
    if (information != NULL)
        ((void (*)(void *))information)(data);
    free(data);
}

struct head *NRT_MemInfo_new_varsize_dtor(size_t size, void *end_of_elements)
{
    struct head *head = malloc(sizeof *head);
    void *data = malloc(size);
    if (head == NULL || data == NULL) {
        free(head);
        free(data);
        return NULL;
    }
    *made(head, data, size) = (struct head){1, end_varying, end_of_elements, data, size, NULL};
    return head;
}

void *NRT_MemInfo_varsize_realloc(struct head *head, size_t size)
{
    void *data = realloc(head->data, size);
    if (data != NULL) {
        head->data = data;
        head->size = size;
    }
    return data;
}

void NRT_MemInfo_call_dtor(struct head *head)
{
    if (head->end != NULL)
        head->end(head->data, head->size, head->information);
    free(head);
}

void *PyExc_RuntimeError, *PyExc_StopIteration, *PyExc_SystemError;

void numba_gil_ensure(void *state) { (void)state; }
void numba_gil_release(void *state) { (void)state; }
void numba_do_raise(void *error) { (void)error; }
void *numba_unpickle(void *data, int size, void *hash) { (void)data; (void)size; (void)hash; return NULL; }
void *numba_runtime_build_excinfo_struct(void *kind, void *arguments) { (void)kind; (void)arguments; return NULL; }
void PyErr_Clear(void) {}
void PyErr_SetNone(void *kind) { (void)kind; }
void PyErr_SetString(void *kind, const char *text) { (void)kind; (void)text; }
void PyErr_WriteUnraisable(void *where) { (void)where; }
void Py_DecRef(void *object) { (void)object; }
void *PyBytes_FromStringAndSize(const char *text, ptrdiff_t size) { (void)text; (void)size; return NULL; }
void *PyUnicode_FromString(const char *text) { (void)text; return NULL; }
void *PyUnicode_FromKindAndData(int kind, const void *text, ptrdiff_t size) { (void)kind; (void)text; (void)size; return NULL; }
void *PyTuple_Pack(ptrdiff_t size, ...) { (void)size; return NULL; }
ptrdiff_t PyObject_Hash(void *object) { (void)object; return -1; }
