// C++ exceptions on greenlets' stacks: thrown and caught there, with switches while one is being handled.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <greenlet/greenlet.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace {

// Py_DECREF at the end of a scope, so that unwinding gives the reference back.
class Owned {
public:
    explicit Owned(PyObject *object) : object_(object) {}
    ~Owned() { Py_XDECREF(object_); }
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    PyObject *get() const { return object_; }
    PyObject *release()
    {
        PyObject *object = object_;
        object_ = nullptr;
        return object;
    }

private:
    PyObject *object_;
};

PyObject *switch_with(PyObject *target, PyObject *value)
{
    Owned arguments(PyTuple_Pack(1, value));
    return arguments.get() == nullptr ? nullptr : PyGreenlet_Switch(reinterpret_cast<PyGreenlet *>(target), arguments.get(), nullptr);
}

// handle(target, text): throw text, and while handling it switch to target. Returns what is handled afterwards, found
// anew through the C++ runtime, and how many exceptions it counts as uncaught.
PyObject *handle(PyObject *, PyObject *arguments)
{
    PyObject *target;
    const char *text;
    if (!PyArg_ParseTuple(arguments, "Os", &target, &text)) {
        return nullptr;
    }
    try {
        throw std::runtime_error(text);
    }
    catch (const std::runtime_error &) {
        Owned back(switch_with(target, Py_None));
        if (back.get() == nullptr) {
            return nullptr;
        }
        try {
            throw; // the one that this greenlet handles
        }
        catch (const std::runtime_error &mine) {
            return Py_BuildValue("(si)", mine.what(), std::uncaught_exceptions());
        }
    }
}

// is_handling(): whether the runtime believes that an exception is being handled here.
PyObject *is_handling(PyObject *, PyObject *)
{
    return PyBool_FromLong(std::current_exception() != nullptr);
}

class SwitchesWhenDestroyed {
public:
    SwitchesWhenDestroyed(PyObject *target, int *counted) : target_(target), counted_(counted) {}
    ~SwitchesWhenDestroyed()
    {
        Owned back(switch_with(target_, Py_None));
        PyErr_Clear();
        *counted_ = std::uncaught_exceptions();
    }

private:
    PyObject *target_;
    int *counted_;
};

// unwind(target): throw through a frame whose destructor switches to target. Returns the text that was caught and the
// number of uncaught exceptions that the destructor saw once it was back.
PyObject *unwind(PyObject *, PyObject *target)
{
    int counted = -1;
    try {
        SwitchesWhenDestroyed guard(target, &counted);
        throw std::logic_error("unwinding");
    }
    catch (const std::logic_error &caught) {
        return Py_BuildValue("(sii)", caught.what(), counted, std::uncaught_exceptions());
    }
}

// translate(function): call it; a failure travels as a C++ exception through some frames and becomes Python's again.
PyObject *thrown(PyObject *function, int depth)
{
    if (depth > 0) {
        Owned result(thrown(function, depth - 1));
        return result.release();
    }
    PyObject *result = PyObject_CallNoArgs(function);
    if (result == nullptr) {
        throw std::runtime_error("python failed");
    }
    return result;
}

PyObject *translate(PyObject *, PyObject *function)
{
    try {
        return thrown(function, 10);
    }
    catch (const std::runtime_error &failure) {
        PyErr_Clear();
        PyErr_SetString(PyExc_RuntimeError, failure.what());
        return nullptr;
    }
}

// escape(): a C++ exception that nobody on this stack catches.
PyObject *escape(PyObject *, PyObject *)
{
    throw std::runtime_error("escaped");
}

PyMethodDef methods[] = {
    {"handle", handle, METH_VARARGS, nullptr},
    {"is_handling", is_handling, METH_NOARGS, nullptr},
    {"unwind", unwind, METH_O, nullptr},
    {"translate", translate, METH_O, nullptr},
    {"escape", escape, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "throws_cxx", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_throws_cxx()
{
    PyGreenlet_Import();
    return _PyGreenlet_API == nullptr ? nullptr : PyModule_Create(&definition);
}
