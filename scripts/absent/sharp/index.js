throw new Error('image bindings are not available: sharp is left out of this installation (docs/adr/0021)');
